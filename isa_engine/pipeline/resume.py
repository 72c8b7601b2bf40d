"""The latents after the last denoising step, on disk, so that a generation that broke off goes on from there.

Euler's method keeps nothing but its latents from step to step, and single precision is written as it is: what
goes on from a file ends in the same bytes as what never stopped, on the same device.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from isa_engine import __version__
from isa_engine.pipeline.model import Model
from isa_engine.whole_file import whole_file


class Checkpoint(Protocol):
    """Where a generation leaves its latents.

    Attributes:
        path: of the file.
        saved: called with the number of steps that are done once these are on the disk.
    """

    path: Path
    saved: Callable[[int], None]


class LatentsFile:
    """A checkpoint of one shot, one model and one device; another's is as good as none.

    Args:
        shot_hash: SHA-256 of the shot file.
    """

    def __init__(self, checkpoint: Checkpoint, shot_hash: str, model: Model):
        self.checkpoint = checkpoint
        made_by = (
            shot_hash,
            model.config.name,
            model.weights,
            str(model.device),
            torch.__version__,
            __version__,
        )
        self.key = hashlib.sha256("\n".join(made_by).encode()).hexdigest()

    def load(self, noise: Tensor) -> tuple[int, Tensor]:
        """Steps done and the latents after them; 0 and the noise where there is no file that fits."""
        try:
            with safe_open(self.checkpoint.path, "pt") as file:
                metadata, latents = file.metadata(), file.get_tensor("latents")
        except (OSError, SafetensorError):
            return 0, noise
        if metadata.get("key") != self.key or latents.shape != noise.shape or latents.dtype != noise.dtype:
            return 0, noise
        return int(metadata["done"]), latents.to(noise.device)

    def save(self, done: int, latents: Tensor) -> None:
        """Write the file, whole or not at all."""
        path = self.checkpoint.path
        metadata = {"key": self.key, "done": str(done)}
        with whole_file(path, shared=True) as partial:
            save_file({"latents": latents.cpu().contiguous()}, partial, metadata)
        self.checkpoint.saved(done)
