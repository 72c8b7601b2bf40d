"""A Wan-VACE folder as networks on a device."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from isa_engine.errors import ModelError
from isa_engine.models.added import Added
from isa_engine.models.kind import Description
from isa_engine.models.vace import described
from isa_engine.pipeline.device import device_of
from isa_engine.pipeline.vace import parts
from isa_engine.results.record import PROJECTED

# Words of a prompt that the model reads; shorter ones are padded with zeros.
WORDS = 226


@dataclass(frozen=True)
class VACE:
    """The networks; ``pipeline.painter.Loaded``."""

    name: str
    added: Added
    transformer: nn.Module
    vae: nn.Module
    text_encoder: nn.Module
    tokenizer: Any
    device: torch.device
    kind = "vace"
    trained = True
    max_frames = 81
    # Of Wan2.1 at 480 lines.
    shift = 3.0
    matte = PROJECTED

    @property
    def weights(self) -> str:
        digests = (self.added.files[name].sha256 for name in sorted(self.added.files))
        return hashlib.sha256("".join(digests).encode()).hexdigest()

    def told(self) -> dict[str, Any]:
        return {
            "class": parts.PIPELINE,
            "licence": self.added.licence,
            "files": {name: file.sha256 for name, file in self.added.files.items()},
            "scheduler": "FlowMatchEulerDiscreteScheduler",
        }

    @property
    def side(self) -> int:
        """Pixels to a latent pixel's side."""
        return 2 ** len(self.vae.config.temperal_downsample)

    @property
    def description(self) -> Description:
        return described(self.name, self.added)

    def encode(self, video: Tensor) -> Tensor:
        """``(1, 3, F, H, W)`` in [−1, 1] to normalised latents ``(1, C, t, h, w)``: the posterior's mode."""
        mean, deviation = self._statistics()
        return (self.vae.encode(video.to(self.device)).latent_dist.mode() - mean) / deviation

    def decode(self, latents: Tensor) -> Tensor:
        """Normalised latents to ``(1, 3, F, H, W)``, about [−1, 1]."""
        mean, deviation = self._statistics()
        return self.vae.decode(latents.to(self.vae.dtype) * deviation + mean).sample

    def read(self, words: str) -> Tensor:
        """Features ``(1, WORDS, width)`` of a prompt, zero behind its end."""
        read = self.tokenizer(
            words.strip(), max_length=WORDS, padding="max_length", truncation=True, return_tensors="pt"
        )
        there = read.attention_mask.to(self.device)
        features = self.text_encoder(read.input_ids.to(self.device), there).last_hidden_state
        return features * there[..., None].to(features.dtype)

    def _statistics(self) -> tuple[Tensor, Tensor]:
        config, dtype = self.vae.config, self.vae.dtype
        return tuple(
            torch.tensor(values, device=self.device, dtype=dtype).view(1, -1, 1, 1, 1)
            for values in (config.latents_mean, config.latents_std)
        )


def load(name: str, added: Added, device: str) -> VACE:
    """
    Raises:
        ModelError: the folder has changed since it was added, or a package is missing.
    """
    target, folder = device_of(device), Path(added.folder)
    if not added.whole():
        remedy = "Put its files back, or add it again."
        raise ModelError(f"files of '{name}' are gone or have changed", where=added.folder, remedy=remedy)
    classes = parts.classes()
    from transformers import AutoTokenizer

    # The autoencoder's group norms lose colours in 16 bits.
    half = torch.bfloat16 if target.type == "cuda" else torch.float32
    options = {"local_files_only": True, "use_safetensors": True}
    networks = {
        "transformer": classes["transformer"].from_pretrained(
            folder / "transformer", torch_dtype=half, **options
        ),
        "vae": classes["vae"].from_pretrained(folder / "vae", torch_dtype=torch.float32, **options),
        "text_encoder": classes["text_encoder"].from_pretrained(
            folder / "text_encoder", dtype=half, **options
        ),
    }
    for network in networks.values():
        network.to(target).eval().requires_grad_(False)
    tokenizer = AutoTokenizer.from_pretrained(
        folder / parts.TOKENIZER, local_files_only=True, trust_remote_code=False
    )
    return VACE(name, added, **networks, tokenizer=tokenizer, device=target)
