"""Who works on which job: taking it, telling how it goes, ending it, and what if the worker goes away.

The rows outlive every process. A job whose worker or service went away is queued again and goes on from its
last denoising step; only one that gets no further ``MAX_STALLS`` times in a row is given up, so that a job
that takes the machine down cannot do so for ever.

Tokens take turns: a free worker serves the token that was served longest ago, and of its jobs the one with
the greatest priority, of those the oldest. So nobody's priority holds up anyone else.
"""

import time
from dataclasses import dataclass

from isa_engine.client.protocol import Memory, ResultFile
from isa_engine.client.words import sentence
from isa_engine.service.queue.database import Database

MAX_STALLS = 3
GAVE_UP = "The engine went away {} times while this job got no further. Look at its log before trying again."

# Numbers of workers: those of host h begin at h · ``WORKERS_A_HOST``.
WORKERS_A_HOST = 1000
ALL_WORKERS = range(WORKERS_A_HOST**2)

# What a running job was asked for: to end, or to wait for whoever asked.
CANCELLED, HELD = 1, 2
# A worker gets no more jobs after so many in a row that failed on it and that others did.
MAX_BLAME = 3

_UNTOUCHED = "phase = '', step = 0, steps = 0, worker = NULL"


@dataclass(frozen=True)
class Claim:
    """The right to work on a job. It ends with the attempt: a worker left over from before cannot disturb.

    Attributes:
        seconds: that earlier attempts took.
        created: when the job came, as in ``JobStatus``.
        shot: SHA-256 of the shot file that came, in hexadecimal.
        hindered: how often in a row trouble of the host, such as a full disk, had it put back before it got
            any further.
        elsewhere: it failed on another worker before.
    """

    id: str
    attempt: int
    seconds: float
    created: float
    shot: str
    hindered: int = 0
    elsewhere: bool = False


class Claims(Database):
    """The jobs as their workers see them."""

    def set_worker(self, state: str, device: str = "", worker: int = 0, memory: Memory | None = None) -> None:
        """State, device and memory of a worker, as in ``protocol.Health``."""
        self.run(
            "INSERT INTO workers (number, state, device, memory_free, memory_total, seen) "
            "VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (number) DO UPDATE SET state = excluded.state, device = excluded.device, beat = 0, "
            "memory_free = excluded.memory_free, memory_total = excluded.memory_total, seen = excluded.seen",
            *(worker, state, device),
            *((memory.free, memory.total) if memory else (None, None)),
            time.time(),
        )

    def beat(self, worker: int, trouble: str = "") -> None:
        """Write down that a worker lives; ``trouble`` is why it takes no job."""
        self.run(
            "UPDATE workers SET beat = beat + 1, trouble = ?, seen = ? WHERE number = ?",
            *(trouble, time.time(), worker),
        )

    def blocked(self, worker: int) -> bool:
        """Whether a worker gets no jobs: too many failed on it that others did, and there is another one."""
        return bool(
            self.read(
                "SELECT 1 FROM workers WHERE number = ?1 AND blamed >= ?2 AND EXISTS "
                "(SELECT 1 FROM workers WHERE number <> ?1 AND state = 'ready' AND blamed < ?2)",
                *(worker, MAX_BLAME),
            )
        )

    def claim(self, worker: int = 0) -> Claim | None:
        """Take the queued job whose turn it is, if any.

        One that failed on this worker is left to another one, if there is one. One that trouble of the host
        stopped again and again lets the others go first.
        """
        with self.transaction():
            claim = self._claim(worker)
            if claim is not None:
                # In a table of its own: were it a column of the jobs, a token could delete its jobs and be
                # first again.
                self.run(
                    "INSERT INTO turns SELECT owner, (SELECT coalesce(max(turn), 0) + 1 FROM turns) "
                    "FROM jobs WHERE id = ? ON CONFLICT (owner) DO UPDATE SET turn = excluded.turn",
                    claim.id,
                )
        return claim

    def _claim(self, worker: int) -> Claim | None:
        rows = self.run(
            "UPDATE jobs SET state = 'running', error = '', attempt = attempt + 1, worker = ?1, "
            "started = coalesce(started, ?2) "
            "WHERE number = (SELECT number FROM jobs AS job WHERE state = 'queued' AND "
            "(avoids IS NULL OR avoids <> ?1 OR NOT EXISTS "
            "(SELECT 1 FROM workers WHERE number <> ?1 AND state = 'ready')) "
            f"ORDER BY hindered >= {MAX_STALLS}, "
            "coalesce((SELECT turn FROM turns WHERE turns.owner = job.owner), 0), "
            "priority DESC, number LIMIT 1) "
            "AND state = 'queued' "
            "RETURNING id, attempt, seconds, created, shot, hindered, avoids IS NOT NULL",
            *(worker, time.time()),
        )
        return Claim(*rows[0]) if rows else None

    def report(
        self, claim: Claim, phase: str, step: int, steps: int, preview: bool, seconds: float = 0
    ) -> bool:
        """Write down progress; False: stop, the job was cancelled or is no longer this worker's.

        Args:
            seconds: that the job has taken, earlier attempts included.
        """
        rows = self.run(
            "UPDATE jobs SET phase = ?, step = ?, steps = ?, previews = previews + ?, "
            "seconds = greatest(seconds, ?) "
            "WHERE id = ? AND attempt = ? AND state = 'running' AND cancelling = 0 RETURNING id",
            *(phase, step, steps, int(preview), seconds, claim.id, claim.attempt),
        )
        return bool(rows)

    def saved(self, claim: Claim, step: int) -> None:
        """A checkpoint of this denoising step is on the disk."""
        self.run(
            "UPDATE jobs SET checkpoint = greatest(checkpoint, ?), hindered = 0 "
            "WHERE id = ? AND attempt = ? AND state = 'running'",
            *(step, claim.id, claim.attempt),
        )

    def finish(
        self,
        claim: Claim,
        state: str,
        error: str = "",
        results: tuple[ResultFile, ...] = (),
        reason: str = "",
    ) -> None:
        """End a job: "done" with its results, "cancelled" or "failed" with its sentence.

        Args:
            reason: as of ``JobStatus``.
        """
        with self.transaction():
            mine = self.run(
                "UPDATE jobs SET state = ?, error = ?, reason = ?, finished = ?, bytes = bytes + ? "
                "WHERE id = ? AND attempt = ? AND state = 'running' RETURNING worker, avoids",
                *(state, sentence(error), reason, time.time(), sum(file.bytes for file in results)),
                *(claim.id, claim.attempt),
            )
            if mine and state == "done":
                # The worker that this job failed on before is to blame for that; this one is blamed for
                # nothing.
                worker, avoids = mine[0]
                self.run("UPDATE workers SET blamed = 0 WHERE number = ?", worker)
                self.run(
                    "UPDATE workers SET blamed = blamed + 1 WHERE number = ? AND number <> ?", avoids, worker
                )
            for file in results if mine else ():
                self.run(
                    "INSERT INTO results VALUES (?, ?, ?, ?)", claim.id, file.name, file.bytes, file.sha256
                )

    def hinder(self, claim: Claim) -> None:
        """The host stands in the way: the job is put back, to go on from its checkpoint when that passes."""
        self.run(
            "UPDATE jobs SET hindered = hindered + 1 WHERE id = ? AND attempt = ?", claim.id, claim.attempt
        )
        self.release(claim)

    def pass_on(self, claim: Claim, worker: int) -> bool:
        """Give a job that failed to another worker; False where there is none, or it failed there already."""
        others = "SELECT 1 FROM workers WHERE number <> ? AND state = 'ready'"
        if claim.elsewhere or not self.run(others, worker):
            return False
        self.run("UPDATE jobs SET avoids = ? WHERE id = ? AND attempt = ?", worker, claim.id, claim.attempt)
        self.release(claim)
        return True

    def release(self, claim: Claim) -> None:
        """Put a job back; it goes on from its checkpoint later, unless it was to be cancelled."""
        mine = "WHERE id = ? AND attempt = ? AND state = 'running'"
        with self.transaction():
            self.run(
                f"UPDATE jobs SET state = 'cancelled', finished = ? {mine} AND cancelling = {CANCELLED}",
                *(time.time(), claim.id, claim.attempt),
            )
            self.run(
                f"UPDATE jobs SET state = 'held', cancelling = 0, {_UNTOUCHED} {mine} "
                f"AND cancelling = {HELD}",
                *(claim.id, claim.attempt),
            )
            self.run(f"UPDATE jobs SET state = 'queued', {_UNTOUCHED} {mine}", claim.id, claim.attempt)

    def to_be_held(self, claim: Claim) -> bool:
        """Whether a job whose ``report`` said stop is to go on later."""
        rows = self.run(
            f"SELECT 1 FROM jobs WHERE id = ? AND attempt = ? AND cancelling = {HELD}",
            *(claim.id, claim.attempt),
        )
        return bool(rows)

    def recover(self, workers: range = ALL_WORKERS) -> list[str]:
        """What ran when the service went away: cancelled if it was to be, else queued again or given up.

        Args:
            workers: numbers of that service's own.
        """
        return self._interrupt("state = 'running' AND worker BETWEEN ? AND ?", (workers[0], workers[-1]), "")

    def worker_died(self, error: str, worker: int = 0, blameless: bool = False) -> list[str]:
        """The job of a worker that is gone: as ``recover``; ``error`` says why where it is given up.

        Args:
            blameless: the job has nothing to do with it, and is put back however often that happens.

        Returns:
            The job, if there was one.
        """
        return self._interrupt("state = 'running' AND worker = ?", (worker,), error, blameless)

    def _interrupt(self, which: str, values: tuple, error: str, blameless: bool = False) -> list[str]:
        with self.transaction():
            found = self.run(
                f"SELECT id, cancelling, checkpoint, interrupted_at, interruptions FROM jobs WHERE {which}",
                *values,
            )
            for job, cancelling, checkpoint, interrupted_at, before in found:
                stalls = 1 if checkpoint > interrupted_at else before + 1
                if blameless:
                    checkpoint, stalls = interrupted_at, before
                if cancelling == CANCELLED:
                    self._end(job, "cancelled", "")
                elif cancelling == HELD:
                    self.run(
                        f"UPDATE jobs SET state = 'held', cancelling = 0, {_UNTOUCHED} WHERE id = ?", job
                    )
                elif stalls >= MAX_STALLS:
                    self._end(job, "failed", error or GAVE_UP.format(stalls))
                else:
                    self.run(
                        f"UPDATE jobs SET state = 'queued', {_UNTOUCHED}, "
                        "interrupted_at = ?, interruptions = ? WHERE id = ?",
                        *(checkpoint, stalls, job),
                    )
        return [row[0] for row in found]

    def _end(self, job: str, state: str, error: str) -> None:
        self.run(
            "UPDATE jobs SET state = ?, error = ?, reason = ?, finished = ? WHERE id = ?",
            *(state, sentence(error), "worker" if state == "failed" else "", time.time(), job),
        )
