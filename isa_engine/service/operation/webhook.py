"""Tells another program of jobs that are done or failed, and that the queue stands still or goes on again.

It is told after the fact, from the queue's own record: what happened while the other program, or the engine,
was away is told later, in order. One that answers with an error is told the same again, so that it may hear a
thing twice; its ``webhook-id`` is the same then.

Each message is signed as Standard Webhooks has it (standardwebhooks.com), so that the other program knows
whose it is, and that it is not an old one that somebody sends again.
"""

import base64
import binascii
import hmac
import json
import logging
import secrets
import time

import requests

from isa_engine.client.protocol import Ending
from isa_engine.client.watchdog import Watchdog
from isa_engine.errors import EngineError
from isa_engine.service.operation.waiting import Waiting
from isa_engine.service.queue.history import History
from isa_engine.service.queue.store import JobStore

LOOK_SECONDS = 1
LONGEST_PAUSE_SECONDS = 300
ANSWER_SECONDS = 10
# Bytes of the secret: SHA-256's block takes 64, and fewer than 24 could be guessed (Standard Webhooks).
SECRET_BYTES = range(24, 65)
_PREFIX = "whsec_"
_NAME, _BATCH = "webhook", 100
_TOLD = ("done", "failed")
# Of an ending. Its sentence and its comment stay here: they may name the artist's characters.
_FIELDS = (
    "number",
    "job",
    "name",
    "owner",
    "reason",
    "priority",
    "attempt",
    "created",
    "started",
    "finished",
)

log = logging.getLogger(__name__)


class Webhook:
    """Posts JSON to one address.

    ``{"event": "done" | "failed", ...}`` with ``_FIELDS`` of ``protocol.Ending``; ``{"event": "stuck",
    "error": ...}`` with the sentence; ``{"event": "well"}``.

    Args:
        url: the address; the operator's, as everything in the configuration.
        key: as of ``key_of``.
        waiting: knows why the queue stands still.
    """

    def __init__(self, url: str, key: bytes, store: JobStore, waiting: Waiting):
        self.url, self.key, self.history, self.waiting = url, key, History(store), waiting
        self._stuck, self._failures, self._not_before = "", 0, 0.0
        # Why the queue stands still, as it is to be told, and the name of that message.
        self._news = ("", "")
        self._watchdog = Watchdog()
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, self._watchdog)

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
        except (requests.RequestException, TimeoutError) as error:
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
                self._post(f"{ending.job}.{ending.number}", _told(ending))
            self.history.set_cursor(_NAME, ending.number)

    def _tell_stuck(self) -> None:
        found = self.waiting.told
        if found == self._stuck:
            return
        if found != self._news[0] or not self._news[1]:
            self._news = found, secrets.token_hex(16)
        self._post(self._news[1], {"event": "stuck", "error": found} if found else {"event": "well"})
        self._stuck, self._news = found, ("", "")

    def _post(self, name: str, content: dict) -> None:
        """Send a message.

        Raises:
            requests.RequestException, TimeoutError: it was not taken.
        """
        body, now = json.dumps(content).encode(), int(time.time())
        headers = {"Content-Type": "application/json", **signature(self.key, name, now, body)}
        with (
            self._watchdog.within(ANSWER_SECONDS),
            self._session.post(
                self.url,
                data=body,
                headers=headers,
                timeout=ANSWER_SECONDS,
                allow_redirects=False,
                stream=True,
            ) as answer,
        ):
            answer.raise_for_status()
            if answer.status_code >= 300:
                # Nobody follows a redirection: what is signed for one address goes to no other.
                raise requests.HTTPError(response=answer)


def _told(ending: Ending) -> dict:
    return {"event": ending.state, **{name: getattr(ending, name) for name in _FIELDS}}


def signature(key: bytes, name: str, seconds: int, body: bytes) -> dict[str, str]:
    """The headers that sign a message.

    Args:
        name: of the message; the same each time that it is sent.
        seconds: since 1970, when it is sent.
    """
    signed = hmac.digest(key, f"{name}.{seconds}.".encode() + body, "sha256")
    return {
        "webhook-id": name,
        "webhook-timestamp": str(seconds),
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
    }


def key_of(secret: str) -> bytes:
    """The key in a secret, ``whsec_`` and its bytes in base64.

    Raises:
        EngineError: it is none, or too short.
    """
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if len(key) not in SECRET_BYTES:
        problem = "the secret is not 24 to 64 bytes in base64" if secret else "a webhook needs a secret"
        remedy = "Set ISA_ENGINE_WEBHOOK_SECRET to what 'openssl rand -base64 32' prints, here and there."
        raise EngineError(problem, where="webhook_secret", remedy=remedy)
    return key
