"""Why nothing is worked on, and telling it to whoever waits."""

import time

from isa_engine.service.conditions import Conditions
from isa_engine.service.store import JobStore

# That something may stand in the way before the jobs that wait are told.
WAIT_SECONDS = 60


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

    def tell(self) -> None:
        """Look, and tell what changed.

        Raises:
            OSError: the queue cannot be written.
        """
        found, now = reasons(self.store, self.conditions), time.monotonic()
        if not found:
            self._since = None
            self.store.tell_waiting("")
            return
        self._since = now if self._since is None else self._since
        if now - self._since >= WAIT_SECONDS:
            self.store.tell_waiting(" ".join(found))
