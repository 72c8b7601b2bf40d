"""A sprint's time: all of it counts, from the start of its process."""

import contextlib
import signal
import time
from collections.abc import Callable, Iterator


class TooSlow(Exception):
    """Something took longer than it was given."""


class Clock:
    """How much of a sprint is gone, and how much is left.

    Args:
        minutes: until everything must be written.
        ending: seconds of them that the end takes.
        now: seconds since some moment; tests give another than the system's.
    """

    def __init__(self, minutes: float, ending: float, now: Callable[[], float] = time.monotonic):
        self.now = now
        self.began = now()
        self.seconds = 60 * minutes - ending
        self._learns = self.began

    def learning_begins(self) -> None:
        """From now on ``share`` counts."""
        self._learns = self.now()

    @property
    def left(self) -> float:
        """Seconds."""
        return self.began + self.seconds - self.now()

    @property
    def share(self) -> float:
        """Of the time to learn that is gone, up to 1."""
        whole = self.began + self.seconds - self._learns
        return min(1.0, (self.now() - self._learns) / whole) if whole > 0 else 1.0


class Every:
    """``every()`` is true once in so many seconds."""

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic):
        self.seconds, self.now, self.last = seconds, now, now()

    def __call__(self) -> bool:
        if self.now() - self.last < self.seconds:
            return False
        self.last = self.now()
        return True


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raises TooSlow if its block, in the main thread, takes longer; the first chance to is between two
    instructions of Python."""

    def ring(*_) -> None:
        raise TooSlow(f"not done within {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(0.01, seconds))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
