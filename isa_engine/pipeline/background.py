"""A shot's background as pictures of its canvas or its plate, in memory that does not grow with it.

A video can only be decoded forwards. Its decoder goes on from where it is as long as frames are asked for in
their order, some of the last ones again; for earlier ones it begins anew.
"""

import itertools
import threading
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, field

import numpy as np

from isa_engine.sandbox import footage
from isa_engine.shot import Shot

_lock = threading.Lock()


@dataclass
class _Reading:
    """A video on the way from its beginning to its end.

    Attributes:
        asked: the video, how many of its frames are shown, and their size.
        coming: the frames after ``kept``.
        kept: ``(H, W, 3)`` uint8 each, from the first of those that were asked for last.
        first: that one's number.
    """

    asked: tuple[bytes, int, tuple[int, int]]
    coming: Generator[np.ndarray, None, None]
    kept: deque[np.ndarray] = field(default_factory=deque)
    first: int = 0

    @property
    def reached(self) -> int:
        """The number of the next frame that comes."""
        return self.first + len(self.kept)

    def read(self, numbers: range) -> np.ndarray:
        """These frames; none of them is before ``first``."""
        self._forget_before(numbers.start)
        while self.reached < numbers.stop:
            self.kept.append(next(self.coming))
            self._forget_before(numbers.start)
        return np.stack([*itertools.islice(self.kept, len(numbers))])

    def _forget_before(self, number: int) -> None:
        while self.kept and self.first < number:
            self.kept.popleft()
            self.first += 1


_reading: _Reading | None = None


def background_frames(shot: Shot, numbers: range, scale: int = 1) -> np.ndarray | None:
    """The background's frames of these numbers, counted from 0: ``(F, H, W, 3)`` uint8, of so many pixels
    along each side to one of the canvas. None where the shot has none.

    Raises:
        ShotError: it cannot be decoded, is too large, or too short.
    """
    global _reading
    if shot.background is None:
        return None
    size = scale * shot.settings.width, scale * shot.settings.height
    asked = shot.background, max(shot.frames, numbers.stop), size
    with _lock:
        if _reading is None or _reading.asked != asked or numbers.start < _reading.first:
            _end()
            _reading = _Reading(asked, footage(*asked))
        try:
            frames = _reading.read(numbers)
        except BaseException:
            _end()
            raise
        if _reading.reached == asked[1]:
            _end()
    return frames


def forget_background() -> None:
    """Let go of a video that was not read to its end."""
    with _lock:
        _end()


def _end() -> None:
    global _reading
    if _reading is not None:
        _reading.coming.close()
        _reading = None
