"""Why nothing is worked on, or a job has not had its turn, and telling it to whoever waits."""

import time

from isa_engine.service.operation.conditions import Conditions
from isa_engine.service.queue.store import JobStore

# Seconds that something may stand in the way before the jobs that wait are told.
WAIT_SECONDS = 60
# Seconds after which a job that waits only for its turn says so.
TURN_SECONDS = 600
_TURN = "All workers are busy with other jobs. It begins when its turn comes."


def reasons(store: JobStore, conditions: Conditions) -> list[str]:
    """Why no job would begin now, in sentences; none where a worker takes the next one."""
    workers = store.workers()
    if any(worker.state == "ready" and not worker.trouble for worker in workers):
        return []
    found = [*conditions.sentences(), *(worker.trouble for worker in workers if worker.trouble)]
    return list(dict.fromkeys(found)) or ["No worker is ready."]


class Waiting:
    """Tells the jobs that are queued why they are, once that has lasted."""

    def __init__(self, store: JobStore, conditions: Conditions):
        self.store, self.conditions = store, conditions
        self._since: float | None = None
        self._queued: dict[str, float] = {}

    @property
    def told(self) -> str:
        """What the jobs were told that stands in the way of all of them; "": nothing."""
        lasted = self._since is not None and time.monotonic() - self._since >= WAIT_SECONDS
        return " ".join(reasons(self.store, self.conditions)) if lasted else ""

    def tell(self) -> None:
        """Look, and tell what changed.

        Raises:
            OSError: the queue cannot be written.
        """
        found, now = reasons(self.store, self.conditions), time.monotonic()
        if not found:
            self._since = None
            self._tell_turns(now)
            return
        self._since = now if self._since is None else self._since
        if now - self._since >= WAIT_SECONDS:
            self.store.tell_waiting(" ".join(found))

    def _tell_turns(self, now: float) -> None:
        """Tell each job that has waited long for its turn; nothing else stands in its way."""
        self._queued = {job: self._queued.get(job, now) for job in self.store.queued()}
        for job, since in self._queued.items():
            self.store.tell_waiting(_TURN if now - since >= TURN_SECONDS else "", job)
