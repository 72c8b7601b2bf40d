"""Jobs that have been over for long enough go, with their files; so do uploads that never became jobs.

How long is counted on a clock that the queue keeps: it goes on with the time that the engine runs, and by a
day at most for the time that it was off. The system's clock may jump by years, and nothing goes for it.
"""

import logging
import time
from collections.abc import Callable

from isa_engine.errors import EngineError
from isa_engine.service.files.folders import Folders
from isa_engine.service.queue.history import History
from isa_engine.service.queue.store import OFF_SECONDS, JobStore
from isa_engine.service.upkeep.strays import Strays

TICK_SECONDS = 600
# Seconds by which the clocks of hosts may differ.
_SLACK_SECONDS = 60
_JUMPED = (
    "The clock went on by %.1f days more than the engine was there to see: it was off, or the clock was set. "
    "Nothing is deleted for that time."
)

log = logging.getLogger(__name__)


class Retention:
    """Deletes what has been over for long enough, each time that it is asked to.

    Args:
        days: until a job that is over goes.
    """

    def __init__(self, store: JobStore, folders: Folders, days: float):
        self.store, self.folders, self.days = store, folders, days
        self._strays = Strays(store)
        self._last: float | None = None

    def tick(self) -> None:
        """Let the clock go on, and delete.

        Raises:
            OSError: the queue cannot be written; the next time goes on from here.
        """
        now = time.monotonic()
        seen = OFF_SECONDS if self._last is None else now - self._last
        jumped = self.store.tick(seen)
        self._last = now
        if jumped > _SLACK_SECONDS:
            log.warning(_JUMPED, jumped / 86400)
        for job in self.store.expired(self.days * 86400):
            if self.store.delete(job):
                log.info("job expired", extra={"job": job})
        for upload in self._strays.overdue(self.folders.uploaded(), self.days * 86400):
            if self._gone(upload, self.folders.reject):
                self._strays.gone(upload)
                log.warning("an upload that never became a job is deleted", extra={"job": upload})
        History(self.store).trim()
        for job in self.store.removals():
            if self._gone(job, self.folders.remove):
                self.store.removed(job)

    def _gone(self, job: str, remove: Callable[[str], bool]) -> bool:
        """Remove files; whether nothing more is to be done. Where one job's cannot be, others' still are."""
        try:
            return remove(job)
        except EngineError as error:
            log.error("%s", error)
            return True
        except Exception as error:
            # Of the disk, or of whatever keeps results for good: the next time is another try.
            log.error("files cannot be removed: %r", error, extra={"job": job})
            return False
