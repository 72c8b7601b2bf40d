"""What is said of a generation while it runs."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar

from PIL import Image

Phase = Literal["encode", "denoise", "decode", "write"]
Item = TypeVar("Item")
# Of a phase of many short steps every so many are told: each report is written to the queue's database.
_TOLD = 16


@dataclass(frozen=True)
class Progress:
    """``step`` of ``steps`` of a phase is done; sometimes with a rough picture of what is coming."""

    phase: Phase
    step: int
    steps: int
    preview: Image.Image | None = None


# Called at every step; raises ``isa_engine.errors.Cancelled`` to stop the work.
Report = Callable[[Progress], None]


class Steps:
    """The many short steps of a phase, told as they are done; at each report the work can be cancelled.

    Args:
        count: of all of them; more may follow, and are not counted.
    """

    def __init__(self, report: Report, phase: Phase, count: int):
        self._report, self._phase, self._count, self._done = report, phase, count, 0
        report(Progress(phase, 0, count))

    def done(self) -> None:
        """One more is done."""
        self._done += 1
        if self._done == self._count or (self._done % _TOLD == 0 and self._done < self._count):
            self._report(Progress(self._phase, self._done, self._count))

    def each(self, items: Iterable[Item]) -> Iterator[Item]:
        """The items, each of which takes a step to make."""
        for item in items:
            self.done()
            yield item
