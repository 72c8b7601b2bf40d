"""Videos as arrays."""

import numpy as np

from isa_engine.sandbox import footage


def read_video(encoded: bytes, frames: int, size: tuple[int, int]) -> np.ndarray:
    """So many frames of a video, ``(frames, height, width, 3)`` uint8, resized to ``(width, height)``."""
    return np.stack(list(footage(encoded, frames, size)))
