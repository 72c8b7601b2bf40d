"""Uploads that never became jobs, because the engine went away between their last byte and the answer.

Nobody was told that they are here. But the queue may also be the one that lost a job, so they go no sooner
than a job that is over: once this very queue has had no job for them for so long, on the clock of retention.
A queue that is new, or was brought back, counts from where it is itself.
"""

from collections.abc import Iterable

from isa_engine.service.queue.store import OFF_SECONDS, JobStore


class Strays:
    """The record of them in a queue's database."""

    def __init__(self, store: JobStore):
        self.store = store

    def overdue(self, uploads: Iterable[str], seconds: float) -> list[str]:
        """Those that have belonged to no job for so long; of the others' time the count begins.

        Args:
            uploads: names of all that lie here.
            seconds: counted as a day at least, for the newest may be about to become a job.
        """
        names = list(uploads)
        with self.store.transaction():
            self.store.run("DELETE FROM strays WHERE upload IN (SELECT id FROM jobs)")
            for name in names:
                self.store.run(
                    "INSERT INTO strays SELECT ?1, age FROM clock WHERE NOT EXISTS "
                    "(SELECT 1 FROM jobs WHERE id = ?1) ON CONFLICT (upload) DO NOTHING",
                    name,
                )
            rows = self.store.run(
                "SELECT upload FROM strays WHERE since <= (SELECT age FROM clock) - ?",
                max(seconds, OFF_SECONDS),
            )
        # Hosts that share a queue have uploads of their own.
        return sorted({upload for (upload,) in rows} & set(names))

    def gone(self, upload: str) -> None:
        """It was removed."""
        self.store.run("DELETE FROM strays WHERE upload = ?", upload)
