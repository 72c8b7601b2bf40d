"""What stands in the way of work just now, each with the sentence that ``/ready`` and the log say."""

import logging
import threading

log = logging.getLogger(__name__)


class Conditions:
    """The troubles of one service; safe between threads."""

    def __init__(self):
        self._standing: dict[str, str] = {}
        self._lock = threading.Lock()

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
