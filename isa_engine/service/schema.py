"""The queue's tables, and what the database itself sees to: lawful changes of state, an event for each.

A row of ``events`` is written by a trigger in the same transaction as the change it tells of, so that no
event can be missing or tell of what did not happen.
"""

import errno
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from isa_engine.client.protocol import TRANSITIONS
from isa_engine.errors import EngineError

VERSION = 2
TABLES = """
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL DEFAULT '',
    idempotency_key TEXT,
    shot TEXT NOT NULL DEFAULT '',
    bytes INTEGER NOT NULL DEFAULT 0,
    priority INTEGER NOT NULL DEFAULT 0,
    turn INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'queued',
    cancelling INTEGER NOT NULL DEFAULT 0,
    worker INTEGER,
    attempt INTEGER NOT NULL DEFAULT 0,
    seconds REAL NOT NULL DEFAULT 0,
    checkpoint INTEGER NOT NULL DEFAULT 0,
    interrupted_at INTEGER NOT NULL DEFAULT -1,
    interruptions INTEGER NOT NULL DEFAULT 0,
    phase TEXT NOT NULL DEFAULT '',
    step INTEGER NOT NULL DEFAULT 0,
    steps INTEGER NOT NULL DEFAULT 0,
    previews INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',
    created REAL NOT NULL,
    started REAL,
    finished REAL,
    UNIQUE (owner, idempotency_key)
);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, owner, priority, number);
CREATE INDEX IF NOT EXISTS jobs_by_owner ON jobs (owner, turn);
CREATE INDEX IF NOT EXISTS jobs_by_turn ON jobs (turn);
CREATE INDEX IF NOT EXISTS bytes_by_owner ON jobs (owner, bytes);
CREATE TABLE IF NOT EXISTS results (
    job TEXT NOT NULL, name TEXT NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL,
    PRIMARY KEY (job, name)
);
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    job TEXT NOT NULL, state TEXT NOT NULL, phase TEXT NOT NULL, step INTEGER NOT NULL,
    steps INTEGER NOT NULL, previews INTEGER NOT NULL, error TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS events_by_job ON events (job, number);
CREATE TABLE IF NOT EXISTS transitions (source TEXT, target TEXT, PRIMARY KEY (source, target));
CREATE TABLE IF NOT EXISTS workers (
    number INTEGER PRIMARY KEY, state TEXT NOT NULL, device TEXT NOT NULL,
    memory_free INTEGER, memory_total INTEGER
);
CREATE TABLE IF NOT EXISTS tokens (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, digest BLOB NOT NULL, scopes TEXT NOT NULL,
    created REAL NOT NULL, revoked REAL
);
"""
_TRIGGERS = """
CREATE TRIGGER IF NOT EXISTS lawful BEFORE UPDATE OF state ON jobs
WHEN OLD.state <> NEW.state
    AND NOT EXISTS (SELECT 1 FROM transitions WHERE source = OLD.state AND target = NEW.state)
BEGIN SELECT RAISE(ABORT, 'this change of state is not allowed'); END;
CREATE TRIGGER IF NOT EXISTS only_what_is_over_goes BEFORE DELETE ON jobs
WHEN EXISTS (SELECT 1 FROM transitions WHERE source = OLD.state)
BEGIN SELECT RAISE(ABORT, 'a job that is not over cannot be deleted'); END;
CREATE TRIGGER IF NOT EXISTS gone AFTER DELETE ON jobs
BEGIN DELETE FROM events WHERE job = OLD.id; DELETE FROM results WHERE job = OLD.id; END;
CREATE TRIGGER IF NOT EXISTS came AFTER INSERT ON jobs
BEGIN INSERT INTO events (job, state, phase, step, steps, previews, error)
    VALUES (NEW.id, NEW.state, NEW.phase, NEW.step, NEW.steps, NEW.previews, NEW.error); END;
CREATE TRIGGER IF NOT EXISTS changed AFTER UPDATE ON jobs
WHEN (OLD.state, OLD.phase, OLD.step, OLD.steps, OLD.previews)
    IS NOT (NEW.state, NEW.phase, NEW.step, NEW.steps, NEW.previews)
BEGIN INSERT INTO events (job, state, phase, step, steps, previews, error)
    VALUES (NEW.id, NEW.state, NEW.phase, NEW.step, NEW.steps, NEW.previews, NEW.error); END;
"""


LAWFUL = [(source, target) for source, targets in TRANSITIONS.items() for target in targets]


class Unlawful(Exception):
    """What the database's own rules do not allow."""


class Database:
    """The queue's tables; safe between threads and between processes.

    Args:
        where: a file on a disk of this machine, for SQLite; or ``postgresql://…``, for hosts that share it.

    Attributes:
        instant: ``read`` answers out of memory, and waits for nobody's transaction.

    Raises:
        EngineError: it is of another version of the engine, or out of reach.
    """

    def __init__(self, where: str | os.PathLike):
        if str(where).startswith("postgresql://"):
            from isa_engine.service.postgres import Postgres

            self._database = Postgres(str(where))
        else:
            self._database = SQLite(where)
        self.instant = self._database.instant

    def close(self) -> None:
        self._database.close()

    def run(self, statement: str, *values) -> list[tuple]:
        """The rows of one statement, in the SQL that both databases speak, with ``?`` for values.

        Raises:
            OSError: the disk is full or fails, or the database is out of reach.
            Unlawful: a rule of the database stands against it.
        """
        return self._database.run(statement, *values)

    def read(self, statement: str, *values) -> list[tuple]:
        """The rows of a SELECT as of what is committed; raises as ``run``."""
        return self._database.read(statement, *values)

    def transaction(self) -> AbstractContextManager[None]:
        """All statements within, or none of them; nobody else's in between."""
        return self._database.transaction()


class SQLite:
    """One file in WAL mode (which does not work over a network): a connection that writes, one that reads.

    In this mode readers see the last commit while a writer waits for the disk.
    """

    instant = True

    def __init__(self, path: str | os.PathLike):
        self._lock, self._reading = threading.RLock(), threading.Lock()
        self._connection = _connect(path)
        # PostgreSQL's name for it.
        self._connection.create_function("greatest", 2, max, deterministic=True)
        self._connection.execute("PRAGMA journal_mode=WAL")
        # What was answered for outlives a power cut, too.
        self._connection.execute("PRAGMA synchronous=FULL")
        with self.transaction():
            found = self.run("PRAGMA user_version")[0][0]
            if found != VERSION and self.run("SELECT 1 FROM sqlite_master WHERE name = 'jobs'"):
                remedy = "Choose another folder with --data, or let that version finish its queue."
                raise EngineError(
                    "the queue is of another version of the engine", where=str(path), remedy=remedy
                )
            for statement in statements(TABLES + _TRIGGERS):
                self.run(statement)
            for pair in LAWFUL:
                self.run("INSERT OR IGNORE INTO transitions VALUES (?, ?)", *pair)
            self.run(f"PRAGMA user_version = {VERSION}")
        self._reader = _connect(path)
        self._reader.execute("PRAGMA query_only = ON")

    def close(self) -> None:
        self._reader.close()
        self._connection.close()

    def run(self, statement: str, *values) -> list[tuple]:
        """As ``Database.run``."""
        with self._lock:
            return _rows(self._connection, statement, values)

    def read(self, statement: str, *values) -> list[tuple]:
        """As ``Database.read``."""
        with self._reading:
            return _rows(self._reader, statement, values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """As ``Database.transaction``."""
        with self._lock:
            self.run("BEGIN IMMEDIATE")
            try:
                yield
                # A full disk may show only now.
                self.run("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self.run("ROLLBACK")
                raise


def _connect(path: str | os.PathLike) -> sqlite3.Connection:
    return sqlite3.connect(Path(path), timeout=30, isolation_level=None, check_same_thread=False)


def _rows(connection: sqlite3.Connection, statement: str, values: tuple) -> list[tuple]:
    try:
        return connection.execute(statement, values).fetchall()
    except sqlite3.IntegrityError as error:
        raise Unlawful(str(error)) from error
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname == "SQLITE_FULL":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        if error.sqlite_errorname.startswith(("SQLITE_IOERR", "SQLITE_CANTOPEN")):
            raise OSError(errno.EIO, os.strerror(errno.EIO)) from error
        raise


def statements(script: str) -> Iterator[str]:
    """The statements of a script, where a trigger's body is part of its statement."""
    statement = ""
    for line in script.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
