"""Arrays that are kept in memory until they are wanted again, packed: a plate's masks and shares take some
KiB."""

import zlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Packed:
    """An array, bit for bit.

    Attributes:
        data: its packed bytes.
        shape, kind: its shape and the type of its numbers.
    """

    data: bytes
    shape: tuple[int, ...]
    kind: np.dtype

    @classmethod
    def of(cls, array: np.ndarray) -> "Packed":
        return cls(zlib.compress(np.ascontiguousarray(array), 1), array.shape, array.dtype)

    def array(self) -> np.ndarray:
        """Read-only."""
        return np.frombuffer(zlib.decompress(self.data), self.kind).reshape(self.shape)
