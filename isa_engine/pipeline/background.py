"""A shot's background as pictures of its canvas."""

import numpy as np

from isa_engine.results.video import read_video
from isa_engine.shot import Shot


def background_frames(shot: Shot, numbers: range) -> np.ndarray | None:
    """The background's frames of these numbers, counted from 0: ``(F, H, W, 3)`` uint8 of the canvas's size.
    None where the shot has none.

    Raises:
        ShotError: it cannot be decoded, is too large, or too short.
    """
    if shot.background is None:
        return None
    size = shot.settings.width, shot.settings.height
    return read_video(shot.background, len(numbers), size, numbers.start)
