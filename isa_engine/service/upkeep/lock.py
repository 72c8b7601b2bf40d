"""A data folder is one engine's, for as long as its process lives.

Two locks say so. One is SQLite's, of a file in the folder: it works on every system. The other is of the
folder itself, where the system has such: the file may be deleted, and another engine would find no lock on
the one that it makes.
"""

import contextlib
import errno
import logging
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from isa_engine.errors import EngineError, reason
from isa_engine.folder_lock import folder_lock
from isa_engine.service.files.folders import QUEUE, Folders
from isa_engine.service.queue.sqlite import as_os_error, connect, identity

FILE = "lock.sqlite3"
# What nobody's folder but an engine's has, also before an ending; what one has that lost these, and others'
# have, too; and what a file system has that was just made.
_OURS, _COMMON, _FRESH = (FILE, QUEUE), {"uploads", "jobs"}, {"lost+found"}
_REMADE = "%s: the lock of the engine's folder was deleted or replaced. It is made anew."
_DAMAGED = "%s: the lock of the engine's folder was damaged. It is made anew."
_TAKEN = "{}: another engine began here while this one ran, after the lock was deleted. Stop one of them."
_GONE = "{}: the engine's folder cannot be locked: {}. Bring it back, with the right to write there."

log = logging.getLogger(__name__)


class Lock:
    """The two locks of a folder, taken.

    Raises:
        BlockingIOError: another process has one of them.
        OSError: the folder cannot be written.
    """

    def __init__(self, root: Path):
        self.path = root / FILE
        self._held = contextlib.ExitStack()
        with self._held as unless_it_fails:
            unless_it_fails.enter_context(folder_lock(root))
            self._take_whole()
            self._held = unless_it_fails.pop_all()

    def _take_whole(self) -> None:
        """Take the file's lock; one that is damaged is made anew, for there is nothing in it to lose."""
        try:
            self._take()
        except OSError as error:
            if getattr(error.__cause__, "sqlite_errorname", "") not in ("SQLITE_NOTADB", "SQLITE_CORRUPT"):
                raise
            log.warning(_DAMAGED, self.path)
            self.path.unlink()
            self._take()

    def _take(self) -> None:
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        try:
            with contextlib.ExitStack() as opened:
                connection = opened.enter_context(contextlib.closing(connect(self.path, seconds=1)))
                connection.execute("BEGIN EXCLUSIVE")
                opened.pop_all()
        except sqlite3.Error as error:
            found = as_os_error(error)
            taken = found.errno == errno.EBUSY
            raise BlockingIOError(found.errno, found.strerror) if taken else found from error
        self._connection, self._file = connection, identity(self.path)

    def fault(self) -> str:
        """Whether the folder is still this process's alone: the sentence that it is not; "": it is.

        A file that was deleted is made anew, and locked, unless somebody else was faster.
        """
        with contextlib.suppress(OSError):
            if identity(self.path) == self._file:
                return ""
        before = self._connection
        try:
            self._take()
        except BlockingIOError:
            return _TAKEN.format(self.path.parent)
        except OSError as error:
            return _GONE.format(self.path.parent, error.strerror)
        before.close()
        log.error(_REMADE, self.path)
        return ""

    def close(self) -> None:
        """Leave the folder to others."""
        self._held.close()
        self._connection.close()


@contextlib.contextmanager
def held(root: Path, store: str = "", results: str = "") -> Iterator[tuple[Folders, Lock]]:
    """The data folder for one service alone; arguments as of ``Folders``.

    Raises:
        EngineError: the folder cannot be written, or another service has it.
    """
    make(root)
    try:
        lock = Lock(root)
    except BlockingIOError as error:
        remedy = "Stop it, or choose another folder with --data."
        raise EngineError("another engine uses this folder", where=str(root), remedy=remedy) from error
    except OSError as error:
        raise _cannot_write(root, error) from error
    with contextlib.closing(lock):
        try:
            folders = Folders(root, store, results)
        except OSError as error:
            raise _cannot_write(root, error) from error
        yield folders, lock


def make(root: Path) -> None:
    """Make a data folder, unless it is there.

    Raises:
        EngineError: it cannot be made, or is another program's: it would become unreadable for that.
    """
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        _refuse_strangers(root)
    except OSError as error:
        raise _cannot_write(root, error) from error


def _refuse_strangers(root: Path) -> None:
    """Take no folder that is another program's: its mode becomes 0700.

    Raises:
        OSError: other things lie there, and nothing of an engine's.
    """
    found = {path.name for path in root.iterdir()}
    strange = found - _COMMON - _FRESH
    if strange and not any(name.startswith(_OURS) for name in found):
        raise OSError(errno.ENOTEMPTY, f"other things lie there, such as {min(strange)!r}")


def _cannot_write(root: Path, error: OSError) -> EngineError:
    remedy = "Choose another folder with --data."
    return EngineError(f"the folder cannot be used: {reason(error)}", where=str(root), remedy=remedy)
