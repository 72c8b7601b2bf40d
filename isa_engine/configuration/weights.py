"""Where the weights of named models are."""

from pathlib import Path

from isa_engine.configuration.named import base_and_variant

WEIGHTS = Path(__file__).resolve().parents[1] / "weights"
CARD = "card.json"


def weights_folder(name: str) -> Path | None:
    """The folder with all weights of a named model; None if it is untrained."""
    folder = WEIGHTS / name
    return folder if (folder / CARD).exists() else None


def autoencoder_folder(name: str) -> Path | None:
    """The folder with the autoencoder of a named model, which its variants share; None if it is
    untrained. It may be there before the model's other networks are trained.
    """
    base, _ = base_and_variant(name)
    folder = WEIGHTS / base
    return folder if (folder / "vae.safetensors").exists() else None
