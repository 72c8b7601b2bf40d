"""What people ask of jobs: to end, to wait, to go on, to come sooner, to be made again."""

import time

from isa_engine.client.protocol import OVER
from isa_engine.service.queue.claims import CANCELLED, HELD, Claims


class Orders(Claims):
    """The jobs in the hands of whoever sent them."""

    def cancel(self, job: str) -> None:
        """A waiting job ends now, a running one at its next report; one that is over stays as it is."""
        with self.transaction():
            self.run(f"UPDATE jobs SET cancelling = {CANCELLED} WHERE id = ? AND state NOT IN {OVER}", job)
            self.run(
                "UPDATE jobs SET state = 'cancelled', error = '', finished = ? "
                "WHERE id = ? AND state IN ('queued', 'held')",
                *(time.time(), job),
            )

    def hold(self, job: str) -> bool:
        """A queued job waits for ``resume``, a running one from its next report on; False: it is over."""
        with self.transaction():
            rows = self.run(
                f"UPDATE jobs SET cancelling = {HELD} WHERE id = ? AND state = 'running' AND cancelling = 0 "
                "RETURNING id",
                job,
            ) or self.run(
                "UPDATE jobs SET state = 'held', error = '' WHERE id = ? AND state IN ('queued', 'held') "
                "RETURNING id",
                job,
            )
        return bool(rows)

    def resume(self, job: str) -> bool:
        """A job that was held is queued again, and goes on from its checkpoint; False: it was not."""
        with self.transaction():
            rows = self.run(
                "UPDATE jobs SET state = 'queued' WHERE id = ? AND state = 'held' RETURNING id", job
            )
            # A running one that was to hold may not have reached its next report yet.
            rows = rows or self.run(
                f"UPDATE jobs SET cancelling = 0 WHERE id = ? AND state = 'running' AND cancelling = {HELD} "
                "RETURNING id",
                job,
            )
        return bool(rows)

    def change(self, job: str, **values) -> None:
        """Give a job another ``priority``, ``name`` or ``comment``."""
        for column in ("priority", "name", "comment"):
            if column in values:
                self.run(f"UPDATE jobs SET {column} = ? WHERE id = ?", values[column], job)

    def requeue(self, job: str) -> bool:
        """Queue a job anew that failed or was cancelled; False where it is in another state."""
        rows = self.run(
            "UPDATE jobs SET state = 'queued', phase = '', step = 0, steps = 0, worker = NULL, error = '', "
            "reason = '', cancelling = 0, seconds = 0, checkpoint = 0, interrupted_at = -1, "
            "interruptions = 0, hindered = 0, avoids = NULL, finished = NULL, kept_since = NULL "
            "WHERE id = ? AND state IN ('failed', 'cancelled') RETURNING id",
            job,
        )
        return bool(rows)
