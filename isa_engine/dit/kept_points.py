"""Point tokens that are kept from one forward pass and read in another, in place of moving points again.

Those of a long take would be larger than all else in memory. So only those of its first latents stay there;
the others go to a file without a name, and come back bit for bit.
"""

import tempfile
from dataclasses import dataclass
from typing import BinaryIO

import torch

from isa_engine.configuration.policies import LATENTS_IN_MEMORY
from isa_engine.geometry.frames import frames_before


class KeptPoints:
    """The point tokens that each layer's video reads, stored by one forward pass or read back in another.

    Args:
        points: an empty list is filled in the order of reading; a filled one is read in that order; None:
            nothing is stored.
        layers: that read points.

    Raises:
        OSError: by ``keep``, where the temporary folder has no room.
    """

    def __init__(self, points: "list[torch.Tensor | OnDisk] | None", layers: int):
        self._points = points
        self._stored = iter(points) if points else None
        # Frames, counted once for each layer.
        self._room = layers * frames_before(LATENTS_IN_MEMORY)
        self._file: BinaryIO | None = None

    @property
    def moves(self) -> bool:
        """Whether the points are moved in this pass."""
        return self._stored is None

    def stored(self) -> torch.Tensor | None:
        """The point tokens to read next; None where this pass moves the points itself."""
        if self._stored is None:
            return None
        found = next(self._stored)
        return found.tokens() if isinstance(found, OnDisk) else found

    def keep(self, read: torch.Tensor) -> None:
        """Store what was read, ``(B, f, P, d)``, if this pass fills a list."""
        if not self.moves or self._points is None:
            return
        self._room -= read.shape[1]
        if self._room < 0:
            # Unbuffered, as each piece is written and read whole; gone with the last of its tokens.
            self._file = self._file or tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
            read = OnDisk.written(read, self._file)
        self._points.append(read)


@dataclass(frozen=True)
class OnDisk:
    """Tokens in a file.

    Attributes:
        begin: byte at which they begin.
    """

    file: BinaryIO
    begin: int
    shape: torch.Size
    dtype: torch.dtype
    device: torch.device

    @classmethod
    def written(cls, tokens: torch.Tensor, file: BinaryIO) -> "OnDisk":
        """These tokens at the file's end."""
        begin = file.seek(0, 2)
        rest = _bytes_of(tokens.cpu().contiguous())
        while rest:
            rest = rest[file.write(rest) :]
        return cls(file, begin, tokens.shape, tokens.dtype, tokens.device)

    def tokens(self) -> torch.Tensor:
        """
        Raises:
            OSError: the disk cannot be read.
        """
        found = torch.empty(self.shape, dtype=self.dtype)
        rest, _ = _bytes_of(found), self.file.seek(self.begin)
        while rest:
            rest = rest[self.file.readinto(rest) :]
        return found.to(self.device)


def _bytes_of(tokens: torch.Tensor) -> memoryview:
    """The memory of a contiguous tensor; numpy has no bfloat16."""
    return memoryview(tokens.view(-1).view(torch.uint8).numpy())
