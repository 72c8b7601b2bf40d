"""The queue as the service sees it: what comes in, what is shown, what goes.

No rule looks at the clock but retention, and that at one of its own, which no jump of the system's moves by
more than a day.
"""

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

from isa_engine.client.protocol import (
    OVER,
    RESULTS,
    JobEvent,
    JobStatus,
    Memory,
    ResultFile,
    WorkerStatus,
)
from isa_engine.errors import EngineError
from isa_engine.service.queue.claims import ALL_WORKERS
from isa_engine.service.queue.database import Database
from isa_engine.service.queue.orders import Orders
from isa_engine.service.queue.schema import Unlawful

# SQL for the name of the token that owns a row.
_OWNER = "coalesce((SELECT name FROM tokens WHERE tokens.id = {0}.owner), '')"


def columns(kind: type, table: str) -> str:
    """What a dataclass of the protocol is read from."""
    return ", ".join(
        _OWNER.format(table) if field.name == "owner" else f"{table}.{field.name}" for field in fields(kind)
    )


_STATUS = columns(JobStatus, "jobs")
_EVENT = ", ".join(field.name for field in fields(JobEvent))


# Seconds of the time that the engine was off that count for retention, at most.
OFF_SECONDS = 86400

T = TypeVar("T")


class Conflict(Exception):
    """An idempotency key that came with another shot before."""


class OverQuota(EngineError):
    """The token has as many jobs or bytes as it may have."""


def too_many_bytes(most: int) -> OverQuota:
    """The error of a token that would keep more than it may."""
    problem = f"This token's jobs would fill more than its {most / 2**30:g} GiB"
    return OverQuota(problem, remedy="Delete some that are over.")


async def ask(database: Database, question: Callable[..., T], *values) -> T:
    """An answer that needs no more than ``database.read``, for the event loop.

    Out of memory it is there sooner than another thread would wake; over a network a thread waits for it.
    """
    return question(*values) if database.instant else await run_in_threadpool(question, *values)


class JobStore(Orders):
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
        name: str = "",
        comment: str = "",
        most_jobs: int | None = None,
        most_bytes: int | None = None,
    ) -> str:
        """Queue a job whose shot is in its folder; the id of the earlier one if the key came before.

        Args:
            owner: id of the token.
            key: the client's idempotency key.
            shot: SHA-256 of the shot file.
            size: of the shot file, in bytes.
            name, comment: as of ``JobStatus``.
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
                "INSERT INTO jobs (id, owner, idempotency_key, shot, bytes, priority, name, comment, "
                "created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                *(job, owner, key, shot, size, priority, name, comment, time.time()),
            )
        return job

    def _check_quota(self, owner: str, size: int, most_jobs: int | None, most_bytes: int | None) -> None:
        waiting = f"SELECT count(*) FROM jobs WHERE owner = ? AND state NOT IN {OVER}"
        if most_jobs is not None and self.run(waiting, owner)[0][0] >= most_jobs:
            problem = f"This token has {most_jobs} jobs in the queue already"
            raise OverQuota(problem, remedy="Wait for some of them.")
        if most_bytes is not None and self.kept_bytes(owner) + size > most_bytes:
            raise too_many_bytes(most_bytes)

    def kept_bytes(self, owner: str) -> int:
        """Bytes of the shots and results that are kept for a token."""
        total = self.run(
            "SELECT coalesce(sum(bytes), 0) FROM jobs WHERE owner = ?",
            owner,
        )[0][0]
        return int(total)

    def status(self, job: str, owner: str | None = None) -> JobStatus | None:
        """How far a job is; None where there is no such job, or ``owner`` is given and did not send it."""
        rows = self.read(f"SELECT {_STATUS}, jobs.owner FROM jobs WHERE id = ?", job)
        return JobStatus(*rows[0][:-1]) if rows and owner in (None, rows[0][-1]) else None

    def results(self, job: str) -> list[ResultFile]:
        rows = self.read("SELECT name, bytes, sha256 FROM results WHERE job = ?", job)
        return sorted((ResultFile(*row) for row in rows), key=lambda file: list(RESULTS).index(file.name))

    def jobs(self) -> list[str]:
        """All jobs, oldest first."""
        return [job for (job,) in self.run("SELECT id FROM jobs ORDER BY number")]

    def waiting(self) -> list[str]:
        """Jobs that are not over."""
        rows = self.read(f"SELECT id FROM jobs WHERE state NOT IN {OVER} ORDER BY number")
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

    def delete(self, job: str) -> bool:
        """Forget a job that is over; False where it is not."""
        try:
            self.run("DELETE FROM jobs WHERE id = ?", job)
        except Unlawful:
            return False
        return True

    def spoiled(self, job: str, error: str) -> None:
        """The results of a job that is done are damaged: it failed after all."""
        with self.transaction():
            if self.run(
                "UPDATE jobs SET state = 'failed', error = ?, reason = 'damaged', bytes = bytes - "
                "(SELECT coalesce(sum(results.bytes), 0) FROM results WHERE job = ?) "
                "WHERE id = ? AND state = 'done' RETURNING id",
                *(error, job, job),
            ):
                self.run("DELETE FROM results WHERE job = ?", job)

    def all_results(self) -> Iterator[tuple[str, int, list[ResultFile]]]:
        """Every job that is done, its attempt, and the files that it holds."""
        rows = self.read(
            "SELECT jobs.id, jobs.attempt, results.name, results.bytes, sha256 FROM jobs JOIN results "
            "ON results.job = jobs.id WHERE state = 'done' ORDER BY jobs.number DESC, results.name"
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

    def queued(self) -> list[str]:
        """Jobs that wait for a worker."""
        return [job for (job,) in self.read("SELECT id FROM jobs WHERE state = 'queued' ORDER BY number")]

    def tell_waiting(self, reason: str, job: str | None = None) -> None:
        """Say to a job that is queued, or to all, why it waits; "": nothing stands in its way any more."""
        mine, values = ("", ()) if job is None else (" AND id = ?", (job,))
        self.run(
            f"UPDATE jobs SET error = ? WHERE state = 'queued' AND error <> ?{mine}", reason, reason, *values
        )

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

    def workers(self) -> list[WorkerStatus]:
        """All workers, by number."""
        rows = self.read(
            "SELECT workers.number, workers.state, device, memory_free, memory_total, trouble, seen, blamed, "
            "coalesce(jobs.id, ''), coalesce(phase, ''), coalesce(step, 0), coalesce(steps, 0) "
            "FROM workers LEFT JOIN jobs ON jobs.worker = workers.number AND jobs.state = 'running' "
            "ORDER BY workers.number"
        )
        return [WorkerStatus(*r[:3], None if r[3] is None else Memory(*r[3:5]), *r[5:]) for r in rows]

    def forgive(self, worker: int) -> bool:
        """A worker that is blocked gets jobs again; False: there is none of this number."""
        return bool(self.run("UPDATE workers SET blamed = 0 WHERE number = ? RETURNING number", worker))

    def forget_workers(self, workers: range = ALL_WORKERS) -> None:
        """Those of an earlier run of the service."""
        self.run("DELETE FROM workers WHERE number BETWEEN ? AND ?", workers[0], workers[-1])
