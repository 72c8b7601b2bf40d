"""The queue: one SQLite file in WAL mode, which the service and its worker open at once.

The rows outlive every process. A job that ran when the service went away is queued again by ``recover``, at
most ``MAX_ATTEMPTS`` times in all, so that a job that takes the machine down cannot do so for ever. A job
whose worker dies while the service lives is failed: the likeliest cause is memory, and a second run would
only end the same.
"""

import os
import sqlite3
import threading
import time
from dataclasses import dataclass, fields
from pathlib import Path

from isa_engine.protocol import TRANSITIONS, JobStatus

MAX_ATTEMPTS = 2
GAVE_UP = "The engine went away twice while it worked on this job. Look at its log before trying again."

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL DEFAULT 'queued',
    cancelling INTEGER NOT NULL DEFAULT 0,
    attempt INTEGER NOT NULL DEFAULT 0,
    phase TEXT NOT NULL DEFAULT '',
    step INTEGER NOT NULL DEFAULT 0,
    steps INTEGER NOT NULL DEFAULT 0,
    previews INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',
    created REAL NOT NULL,
    started REAL,
    finished REAL
);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, number);
CREATE TABLE IF NOT EXISTS transitions (source TEXT, target TEXT, PRIMARY KEY (source, target));
CREATE TRIGGER IF NOT EXISTS lawful BEFORE UPDATE OF state ON jobs
WHEN OLD.state <> NEW.state
    AND NOT EXISTS (SELECT 1 FROM transitions WHERE source = OLD.state AND target = NEW.state)
BEGIN SELECT RAISE(ABORT, 'this change of state is not allowed'); END;
CREATE TABLE IF NOT EXISTS worker (one INTEGER PRIMARY KEY CHECK (one = 1), state TEXT, device TEXT);
INSERT OR IGNORE INTO worker VALUES (1, 'stopped', '');
"""
_STATUS = ", ".join(field.name for field in fields(JobStatus))


@dataclass(frozen=True)
class Claim:
    """The right to work on a job. It ends with the attempt: a worker left over from before cannot disturb."""

    id: str
    attempt: int


class JobStore:
    """Jobs and their states; safe between threads and between processes.

    Args:
        path: of the SQLite file, on a disk of this machine (WAL does not work over a network).
    """

    def __init__(self, path: str | os.PathLike):
        self._lock = threading.Lock()
        self._database = sqlite3.connect(
            Path(path), timeout=30, isolation_level=None, check_same_thread=False
        )
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.executescript(_SCHEMA)
        lawful = [(source, target) for source, targets in TRANSITIONS.items() for target in targets]
        self._database.executemany("INSERT OR IGNORE INTO transitions VALUES (?, ?)", lawful)

    def close(self) -> None:
        self._database.close()

    # The service's side.

    def add(self, job: str) -> None:
        """Queue a job whose shot is in its folder."""
        self._run("INSERT INTO jobs (id, created) VALUES (?, ?)", job, time.time())

    def status(self, job: str) -> JobStatus | None:
        rows = self._run(f"SELECT {_STATUS} FROM jobs WHERE id = ?", job)
        return JobStatus(*rows[0]) if rows else None

    def attempt(self, job: str) -> int:
        """The number of the job's last attempt, whose results are the job's."""
        return self._run("SELECT attempt FROM jobs WHERE id = ?", job)[0][0]

    def jobs(self) -> list[str]:
        """All jobs, oldest first."""
        return [job for (job,) in self._run("SELECT id FROM jobs ORDER BY number")]

    def cancel(self, job: str) -> None:
        """A queued job ends now, a running one at its next report; one that is over stays as it is."""
        self._run(
            "UPDATE jobs SET cancelling = 1, state = iif(state = 'queued', 'cancelled', state), "
            "finished = iif(state = 'queued', ?, NULL) WHERE id = ? AND state IN ('queued', 'running')",
            *(time.time(), job),
        )

    def recover(self) -> None:
        """What ran when the service went away: cancelled if it was to be, else queued again or given up."""
        now = time.time()
        running = "WHERE state = 'running'"
        self._run(f"UPDATE jobs SET state = 'cancelled', finished = ? {running} AND cancelling", now)
        self._run(
            f"UPDATE jobs SET state = 'failed', finished = ?, error = ? {running} AND attempt >= ?",
            *(now, GAVE_UP, MAX_ATTEMPTS),
        )
        self._run(f"UPDATE jobs SET state = 'queued', phase = '', step = 0, steps = 0 {running}")

    def worker_died(self, error: str) -> None:
        """The running job ends with its worker."""
        self._run(
            "UPDATE jobs SET state = iif(cancelling, 'cancelled', 'failed'), error = iif(cancelling, '', ?), "
            "finished = ? WHERE state = 'running'",
            *(error, time.time()),
        )

    def refuse_queued(self, error: str) -> None:
        """No worker comes up: whoever waits is told so."""
        now = time.time()
        self._run(
            "UPDATE jobs SET state = 'failed', error = ?, finished = ? WHERE state = 'queued'", error, now
        )

    def worker(self) -> tuple[str, str]:
        """State and device of the worker, as in ``protocol.Health``."""
        return self._run("SELECT state, device FROM worker")[0]

    def set_worker(self, state: str, device: str = "") -> None:
        self._run("UPDATE worker SET state = ?, device = ?", state, device)

    # The worker's side.

    def claim(self) -> Claim | None:
        """Take the oldest queued job, if any."""
        rows = self._run(
            "UPDATE jobs SET state = 'running', attempt = attempt + 1, started = ? "
            "WHERE number = (SELECT min(number) FROM jobs WHERE state = 'queued') AND state = 'queued' "
            "RETURNING id, attempt",
            time.time(),
        )
        return Claim(*rows[0]) if rows else None

    def report(self, claim: Claim, phase: str, step: int, steps: int, preview: bool) -> bool:
        """Write down progress; False: stop, the job was cancelled or is no longer this worker's."""
        rows = self._run(
            "UPDATE jobs SET phase = ?, step = ?, steps = ?, previews = previews + ? "
            "WHERE id = ? AND attempt = ? AND state = 'running' AND NOT cancelling RETURNING id",
            *(phase, step, steps, int(preview), claim.id, claim.attempt),
        )
        return bool(rows)

    def finish(self, claim: Claim, state: str, error: str = "") -> None:
        """End a job: "done", "cancelled" or "failed" with its sentence."""
        self._run(
            "UPDATE jobs SET state = ?, error = ?, finished = ? "
            "WHERE id = ? AND attempt = ? AND state = 'running'",
            *(state, error, time.time(), claim.id, claim.attempt),
        )

    def _run(self, statement: str, *values) -> list[tuple]:
        with self._lock:
            return self._database.execute(statement, values).fetchall()
