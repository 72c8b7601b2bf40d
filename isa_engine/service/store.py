"""The queue as the service sees it: what comes in, what is shown, what goes.

No rule looks at the clock but retention, and that at one of its own, which no jump of the system's moves by
more than a day.
"""

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

from isa_engine.client.protocol import RESULTS, JobEvent, JobStatus, Memory, ResultFile
from isa_engine.service.claims import ALL_WORKERS, Claims
from isa_engine.service.database import Database
from isa_engine.service.schema import Unlawful

_STATUS = ", ".join(field.name for field in fields(JobStatus))
_EVENT = ", ".join(field.name for field in fields(JobEvent))


# Of the time that the engine was off, so much counts for retention.
OFF_SECONDS = 86400

T = TypeVar("T")


class Conflict(Exception):
    """An idempotency key that came with another shot before."""


class OverQuota(Exception):
    """The token has as many jobs or bytes as it may have; the message is the sentence."""


@dataclass(frozen=True)
class WorkerInfo:
    """A worker; attributes as in ``protocol.Health``, ``trouble`` being its own."""

    number: int
    state: str
    device: str
    trouble: str
    memory: Memory | None


async def ask(database: Database, question: Callable[..., T], *values) -> T:
    """An answer that needs no more than ``database.read``, for the event loop.

    Out of memory it is there sooner than another thread would wake; over a network a thread waits for it.
    """
    return question(*values) if database.instant else await run_in_threadpool(question, *values)


class JobStore(Claims):
    """Jobs and their states; safe between threads and between processes."""

    def add(
        self,
        job: str,
        owner: str = "",
        *,
        key: str | None = None,
        shot: str = "",
        size: int = 0,
        priority: int = 0,
        most_jobs: int | None = None,
        most_bytes: int | None = None,
    ) -> str:
        """Queue a job whose shot is in its folder; the id of the earlier one if the key came before.

        Args:
            owner: id of the token.
            key: the client's idempotency key.
            shot: SHA-256 of the shot file.
            size: of the shot file, in bytes.
            most_jobs, most_bytes: that the owner may have waiting and kept.

        Raises:
            Conflict: the key came with another shot.
            OverQuota: the owner has too much.
        """
        with self.transaction():
            if key is not None and (
                found := self.run(
                    "SELECT id, shot FROM jobs WHERE owner = ? AND idempotency_key = ?", owner, key
                )
            ):
                earlier, same = found[0][0], found[0][1] == shot
                if not same:
                    raise Conflict
                return earlier
            self._check_quota(owner, size, most_jobs, most_bytes)
            self.run(
                "INSERT INTO jobs (id, owner, idempotency_key, shot, bytes, priority, created) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                *(job, owner, key, shot, size, priority, time.time()),
            )
        return job

    def _check_quota(self, owner: str, size: int, most_jobs: int | None, most_bytes: int | None) -> None:
        waiting = "SELECT count(*) FROM jobs WHERE owner = ? AND state IN ('queued', 'running')"
        if most_jobs is not None and self.run(waiting, owner)[0][0] >= most_jobs:
            raise OverQuota(f"This token has {most_jobs} jobs in the queue already. Wait for some of them.")
        if most_bytes is not None and self.kept_bytes(owner) + size > most_bytes:
            limit = f"{most_bytes / 2**30:g} GiB"
            raise OverQuota(f"This token's jobs would fill more than its {limit}. Delete some that are over.")

    def kept_bytes(self, owner: str) -> int:
        """Bytes of the shots and results that are kept for a token."""
        total = self.run(
            "SELECT coalesce(sum(bytes), 0) FROM jobs WHERE owner = ?",
            owner,
        )[0][0]
        return int(total)

    def status(self, job: str, owner: str | None = None) -> JobStatus | None:
        """How far a job is; None where there is no such job, or ``owner`` is given and did not send it."""
        rows = self.read(f"SELECT {_STATUS}, owner FROM jobs WHERE id = ?", job)
        return JobStatus(*rows[0][:-1]) if rows and owner in (None, rows[0][-1]) else None

    def results(self, job: str) -> list[ResultFile]:
        rows = self.read("SELECT name, bytes, sha256 FROM results WHERE job = ?", job)
        return sorted((ResultFile(*row) for row in rows), key=lambda file: list(RESULTS).index(file.name))

    def jobs(self) -> list[str]:
        """All jobs, oldest first."""
        return [job for (job,) in self.run("SELECT id FROM jobs ORDER BY number")]

    def waiting(self) -> list[str]:
        """Jobs that are queued or running."""
        rows = self.read("SELECT id FROM jobs WHERE state IN ('queued', 'running') ORDER BY number")
        return [job for (job,) in rows]

    def page(self, owner: str | None, state: str | None, limit: int, before: str | None) -> list[JobStatus]:
        """Jobs, newest first.

        Args:
            owner: whose; None: everyone's.
            before: only those older than this job.
        """
        rows = self.read(
            f"SELECT {_STATUS} FROM jobs WHERE (?1 IS NULL OR owner = ?1) AND (?2 IS NULL OR state = ?2) "
            "AND (?3 IS NULL OR number < (SELECT number FROM jobs WHERE id = ?3)) "
            "ORDER BY number DESC LIMIT ?4",
            *(owner, state, before, limit),
        )
        return [JobStatus(*row) for row in rows]

    def counts(self) -> dict[str, int]:
        """Jobs by state."""
        return dict(self.read("SELECT state, count(*) FROM jobs GROUP BY state"))

    def events(self, after: int, job: str | None = None) -> list[JobEvent]:
        """Changes with a greater number, oldest first, of one job or of all."""
        ours, values = ("job = ? AND ", (job,)) if job else ("", ())
        rows = self.read(
            f"SELECT {_EVENT} FROM events WHERE {ours}number > ? ORDER BY number", *values, after
        )
        return [JobEvent(*row) for row in rows]

    def last_event(self) -> int:
        return self.read("SELECT coalesce(max(number), 0) FROM events")[0][0]

    def cancel(self, job: str) -> None:
        """A queued job ends now, a running one at its next report; one that is over stays as it is."""
        with self.transaction():
            self.run("UPDATE jobs SET cancelling = 1 WHERE id = ? AND state IN ('queued', 'running')", job)
            self.run(
                "UPDATE jobs SET state = 'cancelled', finished = ? WHERE id = ? AND state = 'queued'",
                *(time.time(), job),
            )

    def delete(self, job: str) -> bool:
        """Forget a job that is over; False where it is not."""
        try:
            self.run("DELETE FROM jobs WHERE id = ?", job)
        except Unlawful:
            return False
        return True

    def requeue(self, job: str) -> bool:
        """Queue a job anew that failed or was cancelled; False where it is in another state."""
        rows = self.run(
            "UPDATE jobs SET state = 'queued', phase = '', step = 0, steps = 0, worker = NULL, error = '', "
            "cancelling = 0, seconds = 0, checkpoint = 0, interrupted_at = -1, interruptions = 0, "
            "hindered = 0, avoids = NULL, "
            "finished = NULL, kept_since = NULL "
            "WHERE id = ? AND state IN ('failed', 'cancelled') RETURNING id",
            job,
        )
        return bool(rows)

    def spoiled(self, job: str, error: str) -> None:
        """The results of a job that is done are damaged: it failed after all."""
        with self.transaction():
            if self.run(
                "UPDATE jobs SET state = 'failed', error = ?, bytes = bytes - "
                "(SELECT coalesce(sum(results.bytes), 0) FROM results WHERE job = ?) "
                "WHERE id = ? AND state = 'done' RETURNING id",
                *(error, job, job),
            ):
                self.run("DELETE FROM results WHERE job = ?", job)

    def all_results(self) -> Iterator[tuple[str, int, list[ResultFile]]]:
        """Every job that is done, its attempt, and the files that it holds."""
        rows = self.read(
            "SELECT jobs.id, jobs.attempt, name, results.bytes, sha256 FROM jobs JOIN results "
            "ON results.job = jobs.id WHERE state = 'done' ORDER BY jobs.number DESC, name"
        )
        for (job, attempt), files in itertools.groupby(rows, lambda row: row[:2]):
            yield job, attempt, [ResultFile(*row[2:]) for row in files]

    def tick(self, most: float) -> float:
        """Let the clock of retention go on, by what the system's clock went on since the last tick.

        Args:
            most: seconds that it goes on at most.

        Returns:
            Seconds by which the system's clock went on further than that.
        """
        now = time.time()
        with self.transaction():
            rows = self.run("SELECT age, wall FROM clock")
            age, wall = rows[0] if rows else (0.0, now)
            age += max(0.0, min(now - wall, most))
            self.run(
                "INSERT INTO clock VALUES (0, ?, ?) "
                "ON CONFLICT (number) DO UPDATE SET age = excluded.age, wall = excluded.wall",
                *(age, now),
            )
            self.run("UPDATE jobs SET kept_since = ? WHERE kept_since IS NULL AND finished IS NOT NULL", age)
        return max(0.0, now - wall - most)

    def expired(self, seconds: float) -> list[str]:
        """Jobs that have been over for so long, by the clock of retention."""
        rows = self.run("SELECT id FROM jobs WHERE kept_since <= (SELECT age FROM clock) - ?", seconds)
        return [job for (job,) in rows]

    def removals(self) -> list[str]:
        """Jobs that were deleted, and whose files may still be there."""
        return [job for (job,) in self.run("SELECT job FROM removals")]

    def removed(self, job: str) -> None:
        """A deleted job's files are gone."""
        self.run("DELETE FROM removals WHERE job = ?", job)

    def tell_waiting(self, reason: str) -> None:
        """Say to all jobs that are queued why they wait; "": nothing stands in their way any more."""
        self.run("UPDATE jobs SET error = ? WHERE state = 'queued' AND error <> ?", reason, reason)

    def running(self, worker: int) -> tuple | None:
        """What a worker is at, which changes with every word of it; None: no job."""
        rows = self.read(
            "SELECT id, attempt, seconds, checkpoint FROM jobs WHERE state = 'running' AND worker = ?", worker
        )
        return rows[0] if rows else None

    def beats(self, worker: int) -> tuple | None:
        """What changes with every sign of life of a worker that has no job; None: it is not known."""
        rows = self.read("SELECT state, beat FROM workers WHERE number = ?", worker)
        return rows[0] if rows else None

    def workers(self) -> list[WorkerInfo]:
        """All workers, by number."""
        rows = self.read(
            "SELECT number, state, device, trouble, memory_free, memory_total FROM workers ORDER BY number"
        )
        return [WorkerInfo(*row[:4], None if row[4] is None else Memory(*row[4:])) for row in rows]

    def forget_workers(self, workers: range = ALL_WORKERS) -> None:
        """Those of an earlier run of the service."""
        self.run("DELETE FROM workers WHERE number BETWEEN ? AND ?", workers[0], workers[-1])
