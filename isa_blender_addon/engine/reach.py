"""Calls to an engine that may still be starting, be out of reach for a while, or be gone for good."""

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from isa_engine.client import EngineUnreachable
from isa_engine.errors import EngineError

from .process import EngineStatus

# Seconds after which a remote engine that does not answer is given up; a local one is when its process ends.
PATIENCE_SECONDS = 20

T = TypeVar("T")


class Engine(Protocol):
    """What a job needs of an engine, local or remote.

    Attributes:
        private: nobody else sees its jobs.
    """

    private: bool

    def poll(self) -> EngineStatus: ...


class Reach:
    """One engine, as a job's thread reaches it.

    Args:
        engine: started already.
        patience: seconds to wait for an engine that does not answer.
        pause: waits a moment; raises ``Cancelled`` where there is no more to wait for.
    """

    def __init__(self, engine: Engine, patience: float, pause: Callable[[], None]):
        self._engine, self._patience, self._pause = engine, patience, pause

    def ready(self) -> EngineStatus:
        """How the engine stands once it has started.

        Raises:
            EngineError: it does not start.
        """
        while self._engine.poll().state == "starting":
            self._pause()
        return self._check()

    def once(self, call: Callable[[], T]) -> T:
        """A call; where the engine's process is gone, that is the reason of its failure."""
        # Before the call, too: another program may listen on a dead engine's port, and would get token and
        # shot.
        self._check()
        try:
            return call()
        except EngineUnreachable:
            self._check()
            raise

    def patiently(self, call: Callable[[], T], lost: Callable[[], None]) -> T:
        """A call that may be repeated, while an engine that does not answer may yet come back.

        Args:
            lost: called each time that it does not answer.
        """
        deadline = time.monotonic() + self._patience
        while True:
            try:
                return self.once(call)
            except EngineUnreachable:
                if time.monotonic() > deadline:
                    raise
                lost()
                self._pause()

    def _check(self) -> EngineStatus:
        status = self._engine.poll()
        if status.state != "ready":
            raise EngineError(status.message)
        return status
