"""Progress as it happens: server-sent events from the queue's own record of changes.

One task reads new changes for all streams, so that a thousand idle ones cost one small query a beat. What a
stream sends it reads from the record, after the last number that its client has seen; so a client that comes
back misses nothing and sees nothing twice.
"""

import asyncio
import contextlib
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import asdict

from isa_engine.client.protocol import JobEvent
from isa_engine.service.http.tokens import Caller, Tokens
from isa_engine.service.queue.store import JobStore, ask

BEAT_SECONDS = 0.1
# Seconds without a change until a comment is sent, so that proxies keep the connection and a vanished client
# is noticed.
IDLE_SECONDS = 15
# Seconds to wait after an error, so that a night of them does not fill the log.
ERROR_SECONDS = 5

log = logging.getLogger(__name__)


class Feed:
    """Wakes the streams of a job when it changes; runs on the event loop of the service."""

    def __init__(self, store: JobStore, tokens: Tokens):
        self.store, self.tokens = store, tokens
        self.closing = False
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._owners: Counter[str] = Counter()
        self._beat: asyncio.Task | None = None

    @property
    def streams(self) -> int:
        return sum(map(len, self._waiting.values()))

    def streams_of(self, owner: str) -> int:
        """Open ones of a token."""
        return self._owners[owner]

    async def stream(self, job: str, after: int, caller: Caller) -> AsyncIterator[bytes]:
        """The job's changes after an event's number, as ``text/event-stream``, until it is over or gone.

        It ends, too, as soon as the caller's token is revoked.
        """
        changed = asyncio.Event()
        self._owners[caller.id] += 1
        self._waiting.setdefault(job, set()).add(changed)
        if self._beat is None:
            self._beat = asyncio.create_task(self._watch())
        try:
            while not self.closing:
                changed.clear()
                if not await ask(self.store, self.tokens.good, caller):
                    return
                ended, events = await ask(self.store, self._news, job, after)
                for event in events:
                    after = event.number
                    yield f"id: {event.number}\nevent: job\ndata: {json.dumps(asdict(event))}\n\n".encode()
                    if event.over:
                        return
                if ended:
                    return
                try:
                    await asyncio.wait_for(changed.wait(), IDLE_SECONDS)
                except TimeoutError:
                    yield b": nothing new\n\n"
        finally:
            self._owners[caller.id] -= 1
            if not self._owners[caller.id]:
                del self._owners[caller.id]
            self._waiting[job].discard(changed)
            if not self._waiting[job]:
                del self._waiting[job]

    def close(self) -> None:
        """Let every stream end; their clients come back to the engine that follows."""
        self.closing = True
        self._wake(list(self._waiting))

    def _news(self, job: str, after: int) -> tuple[bool, list[JobEvent]]:
        # The state before the events: read after them it could be "done" without the event that says so, and
        # the stream would end without it.
        status = self.store.status(job)
        return status is None or status.over, self.store.events(after, job)

    async def _watch(self) -> None:
        after: int | None = None
        revoked = 0
        with contextlib.suppress(asyncio.CancelledError):
            while self._waiting:
                try:
                    if after is None:
                        after = await ask(self.store, self.store.last_event)
                        self._wake(list(self._waiting))
                    for event in await ask(self.store, self.store.events, after):
                        after = event.number
                        self._wake([event.job])
                    if revoked != (revoked := await ask(self.store, self.tokens.revoked)):
                        # A token was revoked: each stream looks whether it is its own.
                        self._wake(list(self._waiting))
                except Exception as error:
                    # The streams go on when the queue can be read again; until then they say that they live.
                    log.error("changes cannot be read: %s", error)
                    await asyncio.sleep(ERROR_SECONDS)
                await asyncio.sleep(BEAT_SECONDS)
        self._beat = None

    def _wake(self, jobs: list[str]) -> None:
        for job in jobs:
            for changed in self._waiting.get(job, ()):
                changed.set()
