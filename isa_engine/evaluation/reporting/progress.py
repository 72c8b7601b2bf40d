"""How an evaluation reports its progress."""

import time
from collections.abc import Callable

# ``report(what, done, of)``; raises ``isa_engine.errors.Cancelled`` to stop the work.
Report = Callable[[str, int, int], None]


class PrintedProgress:
    """Prints a line for each kind of work, with the minutes that it will still take."""

    def __init__(self):
        self._what, self._began, self._first = "", 0.0, 0

    def __call__(self, what: str, done: int, of: int) -> None:
        if what != self._what:
            self._what, self._began, self._first = what, time.monotonic(), done
        left = ""
        if done > self._first:
            seconds = (time.monotonic() - self._began) / (done - self._first) * (of - done)
            left = f", {seconds / 60:.1f} minutes left"
        print(f"\r{what}: {done} of {of}{left}   ", end="\n" if done >= of else "", flush=True)
