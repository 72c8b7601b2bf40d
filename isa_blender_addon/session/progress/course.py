"""How far a take is on its way from the click to the plate in its scene, and when it will be there."""

import time
from collections.abc import Mapping

# In the order in which a take passes them. "encode" to "write" are the engine's own names
# (``isa_engine.pipeline.progress.Phase``).
PHASES = (
    "read",
    "background",
    "check",
    "start",
    "queue",
    "upload",
    "encode",
    "denoise",
    "decode",
    "write",
    "fetch",
    "import",
)


class Course:
    """One bar over all phases of a take. What it says never goes back: ``left`` only falls, ``factor`` only
    rises.

    Args:
        expected: seconds of each phase, of those that there are.

    Attributes:
        left: seconds, as far as the phases' pace and what was expected of them tell.
        phase: where it is.
        spent: seconds of each phase that is over.
    """

    def __init__(self, expected: Mapping[str, float], clock=time.monotonic):
        self._expected, self._clock = dict(expected), clock
        self._began = self._phase_began = clock()
        # ``done`` as the phase began: a job that goes on from a checkpoint begins in the middle of its steps.
        self._first = 0.0
        self.phase, self.spent = "", {}
        self.left = sum(expected.values())

    @property
    def factor(self) -> float:
        """Of the whole way, 0 to 1."""
        gone = self._clock() - self._began
        return gone / (gone + self.left) if gone else 0.0

    def expect(self, seconds: Mapping[str, float]) -> None:
        """Expect so many seconds of phases that come, where more is known of them than at the beginning."""
        self._expected |= seconds
        self.left = min(self.left, sum(self._expected.get(name, 0.0) for name in self._later()))

    def reach(self, phase: str, done: float = 0, of: float = 0, ahead: float | None = None) -> None:
        """Note where it is.

        Args:
            phase: of ``PHASES``; an earlier one than before is no step back, but done again.
            done, of: steps of the phase; of none where nothing counts them.
            ahead: seconds that the phase still lasts because of others, for whom it waits.
        """
        if phase != self.phase or done < self._first:
            if self.phase:
                self.spent[self.phase] = self._clock() - self._phase_began
            self.phase, self._first, self._phase_began = phase, done, self._clock()
        rest = sum(self._expected.get(name, 0.0) for name in self._later())
        self.left = min(self.left, rest + (self._left_here(done, of) if ahead is None else ahead))

    def _later(self) -> tuple[str, ...]:
        """The phases after the one where it is."""
        return PHASES[PHASES.index(self.phase) + 1 :] if self.phase else PHASES

    def _left_here(self, done: float, of: float) -> float:
        """Seconds of this phase: what was expected at its beginning, its own pace towards its end."""
        spent, expected = self._clock() - self._phase_began, self._expected.get(self.phase, 0.0)
        if not of:
            return max(expected - spent, 0.0)
        share = min(done / of, 1.0)
        if done <= self._first:
            return max(expected - spent, expected * (1 - share) / 2)
        paced = spent / (done - self._first) * (of - done)
        return share * paced + (1 - share) * expected * (1 - share)
