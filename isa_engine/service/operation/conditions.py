"""What stands in the way of work just now, each with the sentence that ``/ready`` and the log say."""

import logging
import threading
import time
from collections.abc import Callable

# Seconds between two looks at what was wrong, however often somebody asks.
LOOK_SECONDS = 2

log = logging.getLogger(__name__)


class Conditions:
    """The troubles of one service; safe between threads."""

    def __init__(self):
        self._standing: dict[str, str] = {}
        self._looks: dict[str, Callable[[], None]] = {}
        self._looked = float("-inf")
        self._lock, self._looking = threading.Lock(), threading.Lock()

    def looked_at_by(self, what: str, look: Callable[[], None]) -> None:
        """``look`` finds out whether something is wrong, and calls ``stands`` or ``passed``."""
        self._looks[what] = look

    def still(self, what: str) -> str:
        """As ``sentence``, after another look where something was wrong a moment ago."""
        if self.sentence(what) and what in self._looks:
            with self._looking:
                if time.monotonic() - self._looked > LOOK_SECONDS:
                    self._looks[what]()
                    self._looked = time.monotonic()
        return self.sentence(what)

    def stands(self, what: str, sentence: str) -> None:
        """Something is wrong; it is logged once, however often it is found."""
        with self._lock:
            new = self._standing.get(what) != sentence
            self._standing[what] = sentence
        if new:
            log.error("%s", sentence)

    def passed(self, what: str) -> None:
        """It is well again, if it was not."""
        with self._lock:
            sentence = self._standing.pop(what, None)
        if sentence is not None:
            log.warning("It is well again: %s", sentence)

    def sentence(self, what: str) -> str:
        """What is wrong with one thing; "": nothing."""
        with self._lock:
            return self._standing.get(what, "")

    def sentences(self) -> list[str]:
        """Everything that is wrong."""
        with self._lock:
            return list(self._standing.values())
