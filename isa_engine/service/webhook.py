"""Tells another program of jobs that are done or failed, and that the queue stands still or goes on again.

It is told after the fact, from the queue's own record: what happened while the other program, or the engine,
was away is told later, in order. One that answers with an error is told the same again, so that it may hear a
thing twice; ``number`` says that it did.
"""

import logging
import time
from dataclasses import asdict

import requests

from isa_engine.service.history import History
from isa_engine.service.store import JobStore
from isa_engine.service.waiting import Waiting

LOOK_SECONDS = 1
LONGEST_PAUSE_SECONDS = 300
_NAME, _BATCH = "webhook", 100
_TOLD = ("done", "failed")

log = logging.getLogger(__name__)


class Webhook:
    """Posts JSON to one address.

    ``{"event": "done" | "failed", ...}`` with the fields of ``protocol.Ending``; ``{"event": "stuck",
    "error": ...}`` with the sentence; ``{"event": "well"}``.

    Args:
        url: the address; the operator's, as everything in the configuration.
        waiting: knows why the queue stands still.
    """

    def __init__(self, url: str, store: JobStore, waiting: Waiting):
        self.url, self.history, self.waiting = url, History(store), waiting
        self._stuck, self._failures, self._not_before = "", 0, 0.0

    def tell(self) -> None:
        """Tell what has not been told.

        Raises:
            OSError: the queue cannot be read or written.
        """
        if time.monotonic() < self._not_before:
            return
        try:
            self._tell_endings()
            self._tell_stuck()
        except requests.RequestException as error:
            self._failures += 1
            pause = min(2**self._failures, LONGEST_PAUSE_SECONDS)
            self._not_before = time.monotonic() + pause
            # The error's kind alone: its words may quote the address, and that may hold a key.
            log.warning("the webhook does not answer (%s); once more in %d s", type(error).__name__, pause)
        else:
            self._failures = 0

    def _tell_endings(self) -> None:
        after = self.history.cursor(_NAME)
        if after is None:
            # A webhook that is new hears nothing of what ended before.
            after = self.history.last()
            self.history.set_cursor(_NAME, after)
        for ending in self.history.after(after, _BATCH):
            if ending.state in _TOLD:
                self._post({"event": ending.state, **asdict(ending)})
            self.history.set_cursor(_NAME, ending.number)

    def _tell_stuck(self) -> None:
        found = self.waiting.told
        if found != self._stuck:
            self._post({"event": "stuck", "error": found} if found else {"event": "well"})
            self._stuck = found

    def _post(self, content: dict) -> None:
        with requests.post(self.url, json=content, timeout=10, allow_redirects=False, stream=True) as answer:
            answer.raise_for_status()
