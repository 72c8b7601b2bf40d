"""The latents after the last denoising step, on disk, so that a generation that broke off goes on from there.

Euler's method keeps nothing but its latents from step to step, and policies nothing but their memory; both
are written as they are: what goes on from a file ends in the same bytes as what never stopped, on the same
device.

A file that the disk damaged would end in another plate, and nobody would know. So it bears the SHA-256 of
what is in it, and one that does not fit it is as good as none.
"""

import hashlib
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from isa_engine import __version__
from isa_engine.networks.tensors import write_safetensors
from isa_engine.pipeline.velocity.memory import Memory
from isa_engine.results.record import Maker
from isa_engine.whole_file import whole_file

# What the names of a policy's tensors begin with in the file.
_MEMORY = "memory."
_ANEW = "the latents of the steps that are done %s on the engine's disk: denoising begins anew"

log = logging.getLogger(__name__)


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

    A take's parts (``Painter.parts``) are denoised one after the other: the file holds those that are
    finished, and the one at work.

    Args:
        shot_hash: SHA-256 of the shot file.
        steps: of denoising, of each part.
    """

    def __init__(self, checkpoint: Checkpoint, shot_hash: str, model: Maker, steps: int):
        self.checkpoint, self.steps = checkpoint, steps
        self._part = 0
        made_by = (
            shot_hash,
            model.name,
            model.weights,
            str(model.device),
            torch.__version__,
            __version__,
            *(["compiled"] if model.told().get("compiled") else []),
        )
        self.key = hashlib.sha256("\n".join(made_by).encode()).hexdigest()
        # Steps that are done of all parts together, each part's latents, and what the policy remembers of the
        # last one's.
        self._done, self._stored, self._memory = self._read()

    def begin(self, part: int) -> None:
        """What is loaded and saved from now on is of this part, counted from 0."""
        self._part = part

    def load(self, noise: Tensor) -> tuple[int, Tensor, Memory]:
        """The part's steps that are done, the latents after them and what its policy remembers; 0 and the
        noise if no file fits.

        Args:
            noise: ``(1, C, t, h, w)``, as the part begins; the latents come in its shape, on its device.
        """
        kept = self._stored[self._part :]
        if not kept or kept[0].shape != noise.shape or kept[0].dtype != noise.dtype:
            return 0, noise, {}
        done = self._done - self._part * self.steps
        memory = {name: tensor.to(noise.device) for name, tensor in self._memory.items()}
        return min(done, self.steps), kept[0].to(noise.device), memory

    def save(self, done: int, latents: Tensor, memory: Memory) -> None:
        """Write the file, whole or not at all, after so many of the part's steps.

        Args:
            latents: ``(1, C, t, h, w)``, after these.
            memory: of the policy, for the steps to come.

        Raises:
            OSError, SafetensorError: it cannot be written; what stood there stays.
        """
        stored = [*self._stored[: self._part], latents.cpu().contiguous()]
        total = self._part * self.steps + done
        tensors = {str(k): tensor for k, tensor in enumerate(stored)}
        tensors |= {
            _MEMORY + name: tensor.cpu().clone(memory_format=torch.contiguous_format)
            for name, tensor in memory.items()
        }
        metadata = {"key": self.key, "done": str(total)}
        with whole_file(self.checkpoint.path, shared=True) as partial:
            write_safetensors(tensors, partial, {**metadata, "sha256": _digest(metadata, tensors)})
        self._done, self._stored, self._memory = total, stored, memory
        self.checkpoint.saved(total)

    def _read(self) -> tuple[int, list[Tensor], Memory]:
        """What the file has, if it is this generation's."""
        none = 0, [], {}
        try:
            # Read and not mapped: a disk that fails would end the process where it touches the mapping.
            encoded = self.checkpoint.path.read_bytes()
            tensors = load(encoded)
            # After its length the header is JSON, which ``load`` has looked at.
            header = json.loads(encoded[8 : 8 + int.from_bytes(encoded[:8], "little")])
            metadata = dict(header.get("__metadata__") or {})
        except FileNotFoundError:
            return none
        except OSError as error:
            log.warning(_ANEW, f"cannot be read ({error.strerror})")
            return none
        except (SafetensorError, LookupError, ValueError):
            log.warning(_ANEW, "are damaged")
            return none
        if metadata.pop("sha256", "") != _digest(metadata, tensors):
            log.warning(_ANEW, "are damaged")
            return none
        if metadata["key"] != self.key:
            return none
        memory = {
            name.removeprefix(_MEMORY): tensor for name, tensor in tensors.items() if name.startswith(_MEMORY)
        }
        stored = [tensors[str(k)] for k in range(len(tensors) - len(memory))]
        return int(metadata["done"]), stored, memory


def _digest(metadata: dict[str, str], tensors: dict[str, Tensor]) -> str:
    """SHA-256 of all that a file has, in an order that does not depend on the file's."""
    digest = hashlib.sha256(json.dumps(metadata, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()
