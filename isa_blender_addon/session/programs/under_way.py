"""Work that a command of ``isa-engine`` does beside Blender, one at a time of each kind.

The panel has one Cancel for a kind: with two at work nobody could tell which of them it ends.
"""

import contextlib
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from isa_engine.errors import Cancelled, EngineError

from ...engine.command import RunningCommand


class Work(Protocol):
    """What goes on.

    Attributes:
        command: at work.
    """

    command: RunningCommand

    def wait(self) -> Path:
        """Wait for its end, and clean up; where what came of it lies."""
        ...


W = TypeVar("W", bound=Work)


class UnderWay(Generic[W]):
    """The one of its kind that goes on, if any.

    Attributes:
        current: what goes on; None: nothing.
    """

    def __init__(self) -> None:
        self.current: W | None = None

    def begin(self, work: W) -> W:
        """Take note of what has just begun; it is ``current`` until ``finish``."""
        self.current = work
        return work

    def finish(self) -> Path:
        """Wait for the end of what goes on.

        Raises:
            Cancelled, EngineError: as of ``RunningCommand.wait``.
        """
        ended, self.current = self.current, None
        return ended.wait()

    def close(self) -> None:
        """End what goes on, and leave nothing of it."""
        if self.current is not None:
            self.current.command.cancel()
            with contextlib.suppress(Cancelled, EngineError):
                self.finish()
