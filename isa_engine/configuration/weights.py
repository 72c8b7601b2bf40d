"""Where the weights of named models are."""

from pathlib import Path

from isa_engine.configuration.named import DECODERS, base_and_variant

WEIGHTS = Path(__file__).resolve().parents[1] / "weights"
CARD = "card.json"


def weights_folder(name: str) -> Path | None:
    """Where the weights of a named model are; None: it is untrained."""
    folder = WEIGHTS / name
    return folder if (folder / CARD).exists() else None


def autoencoder_folder(name: str) -> Path | None:
    """Where the autoencoder of a named model is, or of its variants, which but for ``DECODERS`` share it: it
    is trained before the rest is.

    None: it is untrained.
    """
    base, variant = base_and_variant(name)
    folder = WEIGHTS / (name if variant in DECODERS else base)
    return folder if (folder / "vae.safetensors").exists() else None
