"""The latents after the last denoising step, on disk, so that a generation that broke off goes on from there.

Euler's method keeps nothing but its latents from step to step, and policies nothing but their memory; both
are written as they are: what goes on from a file ends in the same bytes as what never stopped, on the same
device.
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
from isa_engine.pipeline.velocity.memory import Memory
from isa_engine.results.record import Maker
from isa_engine.whole_file import whole_file

# What the names of a policy's tensors begin with in the file.
_MEMORY = "memory."


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

    Segments are denoised one after the other: the file holds the one at work, and those that are finished.

    Args:
        shot_hash: SHA-256 of the shot file.
        steps: of denoising, of each segment.
    """

    def __init__(self, checkpoint: Checkpoint, shot_hash: str, model: Maker, steps: int):
        self.checkpoint, self.steps = checkpoint, steps
        self._segment = 0
        self._finished: list[Tensor] = []
        made_by = (
            shot_hash,
            model.name,
            model.weights,
            str(model.device),
            torch.__version__,
            __version__,
        )
        self.key = hashlib.sha256("\n".join(made_by).encode()).hexdigest()

    def begin(self, segment: int) -> None:
        """What is loaded and saved from now on is of this segment, counted from 0."""
        self._segment = segment

    def load(self, noise: Tensor) -> tuple[int, Tensor, Memory]:
        """The segment's steps that are done, the latents after them and what its policy remembers; 0 and the
        noise if no file fits."""
        try:
            with safe_open(self.checkpoint.path, "pt") as file:
                metadata, names = file.metadata() or {}, list(file.keys())
                remembered = [name for name in names if name.startswith(_MEMORY)]
                memory = {name.removeprefix(_MEMORY): file.get_tensor(name) for name in remembered}
                stored = [file.get_tensor(str(k)) for k in range(len(names) - len(memory))]
        except (OSError, SafetensorError):
            return 0, noise, {}
        if metadata.get("key") != self.key or len(stored) <= self._segment:
            return 0, noise, {}
        latents = stored[self._segment]
        if latents.shape != noise.shape or latents.dtype != noise.dtype:
            return 0, noise, {}
        self._finished = stored[: self._segment]
        done = int(metadata["done"]) - self._segment * self.steps
        memory = {name: tensor.to(noise.device) for name, tensor in memory.items()}
        return min(done, self.steps), latents.to(noise.device), memory

    def save(self, done: int, latents: Tensor, memory: Memory) -> None:
        """Write the file, whole or not at all, after so many of the segment's steps."""
        stored = [*self._finished[: self._segment], latents.cpu().contiguous()]
        total = self._segment * self.steps + done
        metadata = {"key": self.key, "done": str(total)}
        with whole_file(self.checkpoint.path, shared=True) as partial:
            tensors = {str(k): tensor for k, tensor in enumerate(stored)}
            tensors |= {
                _MEMORY + name: tensor.cpu().clone(memory_format=torch.contiguous_format)
                for name, tensor in memory.items()
            }
            save_file(tensors, partial, metadata)
        self._finished = stored
        self.checkpoint.saved(total)
