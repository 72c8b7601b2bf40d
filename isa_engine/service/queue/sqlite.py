"""The queue's tables in one file on a disk of this machine."""

import contextlib
import errno
import os
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from isa_engine.errors import EngineError
from isa_engine.service.files.durable import flush
from isa_engine.service.queue.schema import (
    LAWFUL,
    MIGRATIONS,
    TABLES,
    TRIGGERS,
    VERSION,
    Unlawful,
    statements,
)
from isa_engine.whole_file import whole_file

# The disk has a transaction before it is answered for, so that it outlives a power cut.
SYNCHRONOUS = "FULL"
BUSY_SECONDS = 30
# A connection keeps 256 KiB of the file for itself; the system has all of it in memory anyway.
_CACHE = "PRAGMA cache_size=-256"
# The files that SQLite keeps beside its own.
SIDE_FILES = ("-wal", "-shm")


class SQLite:
    """One file in WAL mode (which does not work over a network): a connection that writes, one that reads.

    In this mode readers see the last commit while a writer waits for the disk.

    Args:
        path, create, own: as of ``database.Database``.
    """

    instant = True

    def __init__(self, path: str | os.PathLike, create: bool = True, own: bool = False):
        self.path, self.create = Path(path), create
        self._lock, self._reading = threading.RLock(), threading.Lock()
        self._open(own)

    def _open(self, own: bool = False) -> None:
        try:
            if self.create:
                # Readable by its owner alone; SQLite gives the files beside it the same mode.
                os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            self._connection = connect(self.path)
            self._file = identity(self.path)
            # SQLite calls it max; the statements use PostgreSQL's name.
            self._connection.create_function("greatest", 2, max, deterministic=True)
            self.run("PRAGMA journal_mode=WAL")
            self.run(f"PRAGMA synchronous={SYNCHRONOUS}")
            self.run(_CACHE)
            if own and (found := fault(self.path)):
                raise unusable(self.path, OSError(errno.EIO, found))
            with self.transaction():
                self._prepare(own)
            self._reader = connect(self.path)
            self._reader.execute("PRAGMA query_only = ON")
            self._reader.execute(_CACHE)
            # With its first statement it opens the log, too: later another file may stand there.
            self._reader.execute("SELECT count(*) FROM transitions").fetchall()
            self._log = identity(self._beside(SIDE_FILES[0]))
        except sqlite3.Error as error:
            raise unusable(self.path, as_os_error(error)) from error
        except OSError as error:
            raise unusable(self.path, error) from error

    def _prepare(self, own: bool) -> None:
        found = self.run("PRAGMA user_version")[0][0]
        empty = not self.run("SELECT 1 FROM sqlite_master WHERE name = 'jobs'")
        if found == VERSION and not empty:
            there = {name for (name,) in self.run("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if missing := set(re.findall(r"CREATE TABLE IF NOT EXISTS (\w+)", TABLES)) - there:
                raise OSError(errno.EIO, f"it has no table {min(missing)}")
            return
        if not empty:
            if found not in MIGRATIONS or not own:
                raise other_version(found, str(self.path))
            # SQLite copies from no connection that has begun to write, so another one reads.
            with contextlib.closing(connect(self.path, "ro")) as before:
                copy(before, self._beside(f".v{found}"))
            for version in range(found, VERSION):
                for statement in statements(MIGRATIONS[version]):
                    self.run(statement)
            for (name,) in self.run("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
                self.run(f"DROP TRIGGER {name}")
            self.run("DELETE FROM transitions")
        for statement in statements(TABLES + TRIGGERS):
            self.run(statement)
        for pair in LAWFUL:
            self.run("INSERT INTO transitions VALUES (?, ?)", *pair)
        self.run(f"PRAGMA user_version = {VERSION}")

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
                # A full disk may be noticed only here, when the transaction is written.
                self.run("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self.run("ROLLBACK")
                raise

    def elsewhere(self) -> str:
        """ "gone" or "replaced" where the file under the path is not the one that is open here, else ""."""
        try:
            return "" if identity(self.path) == self._file else "replaced"
        except FileNotFoundError:
            return "gone"

    def withdraw(self) -> None:
        """Take our log away from beside another file: whoever opens that would mix the two."""
        with contextlib.suppress(FileNotFoundError):
            if identity(self._beside(SIDE_FILES[0])) == self._log:
                for side in SIDE_FILES:
                    self._beside(side).unlink(missing_ok=True)

    def _beside(self, side: str) -> Path:
        return self.path.with_name(self.path.name + side)

    def copy_to(self, path: Path) -> None:
        """A whole copy of what is open here.

        Raises:
            OSError: it cannot be read or written.
        """
        with self._reading:
            copy(self._reader, path)

    def write_anew(self) -> None:
        """Write what is open here to its path, from where somebody took it, and go on with that file.

        Raises:
            OSError: it cannot be written.
        """
        with self._lock, self._reading:
            copy(self._connection, self.path)
            self._reader.close()
            self._connection.close()
            self._open()


def connect(path: Path, mode: str = "rw", seconds: float = BUSY_SECONDS) -> sqlite3.Connection:
    """A connection to a file that is there, of which threads take turns.

    Args:
        mode: "rw" or "ro". What is only in the log beside the file counts in both.
        seconds: that a statement waits for another program's lock.
    """
    where = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(where, uri=True, timeout=seconds, isolation_level=None, check_same_thread=False)


def copy(source: sqlite3.Connection, path: Path) -> None:
    """A whole copy of a queue under a path, on the disk, or nothing new there.

    Raises:
        OSError: it cannot be read or written.
    """
    try:
        with whole_file(path, shared=True) as partial:
            with contextlib.closing(sqlite3.connect(partial)) as target:
                source.backup(target)
                # So that the copy is one file, without a log beside it.
                target.execute("PRAGMA journal_mode=DELETE")
            partial.chmod(0o600)
            for side in SIDE_FILES:
                path.with_name(path.name + side).unlink(missing_ok=True)
        flush(path.parent)
    except sqlite3.Error as error:
        raise as_os_error(error) from error


def fault(path: Path) -> str:
    """What is wrong with a queue's file, in a few words of SQLite's; "": nothing.

    Raises:
        OSError: it is locked, or cannot be read.
    """
    try:
        with contextlib.closing(connect(path, "ro", seconds=1)) as connection:
            connection.execute(_CACHE)
            found = connection.execute("PRAGMA quick_check(1)").fetchall()
            return "" if found == [("ok",)] else str(found[0][0]).splitlines()[-1]
    except sqlite3.OperationalError as error:
        raise as_os_error(error) from error
    except sqlite3.DatabaseError as error:
        return str(error)


def can_be_written(path: Path) -> bool:
    """Whether no other program keeps everyone from writing."""
    try:
        with contextlib.closing(connect(path, seconds=1)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        if as_os_error(error).errno == errno.EBUSY:
            return False
        raise as_os_error(error) from error
    return True


def backups(path: Path) -> list[Path]:
    """The copies of a queue beside it, newest first."""
    found = [each for each in path.parent.glob(f"{path.name}.*") if re.fullmatch("[0-9]+", each.suffix[1:])]
    return sorted(found, reverse=True)


def backup_name(path: Path) -> Path:
    """Of a copy that is made now, beside the queue."""
    return path.with_name(f"{path.name}.{time.strftime('%Y%m%d%H%M%S')}")


def other_version(found: int, where: str) -> EngineError:
    """The refusal of a queue that this version cannot use as it is."""
    if found in MIGRATIONS:
        remedy = "Start this version's engine on it once: it brings the queue up to date."
        return EngineError("the queue is of the version before", where=where, remedy=remedy)
    remedy = "Choose another folder with --data, or let that version finish its queue."
    return EngineError("the queue is of another version of the engine", where=where, remedy=remedy)


def as_os_error(error: sqlite3.Error) -> OSError:
    """What is wrong with the host or the file, as an ``OSError`` with a number that tells the kinds apart."""
    name = getattr(error, "sqlite_errorname", "") or ""
    for start, number, words in (
        ("SQLITE_FULL", errno.ENOSPC, os.strerror(errno.ENOSPC)),
        ("SQLITE_READONLY", errno.EROFS, os.strerror(errno.EROFS)),
        ("SQLITE_BUSY", errno.EBUSY, "another program has it locked"),
        ("SQLITE_LOCKED", errno.EBUSY, "another program has it locked"),
        ("SQLITE_NOMEM", errno.ENOMEM, os.strerror(errno.ENOMEM)),
    ):
        if name.startswith(start):
            return OSError(number, words)
    return OSError(errno.EIO, str(error))


def unusable(path: Path, error: OSError) -> EngineError:
    """The sentence for a queue that cannot be opened."""
    if error.errno == errno.EBUSY:
        remedy = "Wait until it ends, or end it."
    elif error.errno == errno.EIO:
        remedy = "Bring a backup back with 'isa-engine queue restore', or choose another folder with --data."
    else:
        remedy = "Give its folder room, and its owner the right to write there."
    return EngineError(f"the queue cannot be used: {error.strerror}", where=str(path), remedy=remedy)


def identity(path: Path) -> tuple[int, int]:
    """What tells a file from another one that took its path."""
    found = path.stat()
    return found.st_dev, found.st_ino


def _rows(connection: sqlite3.Connection, statement: str, values: tuple) -> list[tuple]:
    try:
        return connection.execute(statement, values).fetchall()
    except sqlite3.IntegrityError as error:
        raise Unlawful(str(error)) from error
    except sqlite3.ProgrammingError:
        raise
    except sqlite3.DatabaseError as error:
        # Anything else is a wrong statement, a mistake of ours, and is raised as it is.
        if error.sqlite_errorname == "SQLITE_ERROR":
            raise
        raise as_os_error(error) from error
