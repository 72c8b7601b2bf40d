"""Watches the queue's file and the lock beside it while the service runs: they may be deleted, replaced,
locked or damaged.

Deleted, it is written anew from what is still open: nothing is lost. Nothing else is mended on a guess: no
job comes in, and ``/ready`` and the log say why. A queue that is well is copied beside its file every few
hours, for ``isa-engine queue restore``.
"""

import contextlib
import errno
import logging
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from isa_engine.service.operation.conditions import Conditions
from isa_engine.service.queue import sqlite
from isa_engine.service.queue.database import Database
from isa_engine.service.upkeep.lock import Lock

QUEUE = "queue"
LOOK_SECONDS = 10
# A program that holds the queue for longer holds up everyone.
LOCKED_SECONDS = 20
COPY_SECONDS = 6 * 3600
COPIES = 4
_REPLACED = (
    "{}: another file took the place of the queue while the engine ran. Start the engine again to use it. "
    "What the engine knew lies in {}: 'isa-engine queue restore' brings it back."
)
_GONE = "{}: the queue's file was deleted, and cannot be written anew: {}. Bring its folder back, with room."
_DAMAGED = "{}: the queue's file is damaged ({}). Stop the engine, then: isa-engine queue restore --data {}"
_LOCKED = "{}: another program has locked the queue's file. Wait until it ends, or end it."
_UNREADABLE = "{}: the queue's file cannot be used: {}. See that its disk is well."

log = logging.getLogger(__name__)


class QueueWatch:
    """Looks after a queue in a file; a queue that hosts share is its database's to look after.

    Args:
        renewed: called after the file was written anew, for whoever has the old one open.
        lock: of the folder.
    """

    def __init__(self, database: Database, conditions: Conditions, renewed: Callable[[], None], lock: Lock):
        self.file: sqlite.SQLite = database.driver
        self.path: Path = self.file.path
        self.conditions, self.renewed, self.lock = conditions, renewed, lock
        conditions.looked_at_by(QUEUE, self.look)
        self._locked_since: float | None = None
        self._copied = float("-inf")

    def look(self) -> None:
        """Find out how the file is, say it, and mend what can be mended."""
        sentence = self.lock.fault() or self._elsewhere() or self._fault()
        if sentence:
            self.conditions.stands(QUEUE, sentence)
            return
        self.conditions.passed(QUEUE)
        if time.monotonic() - self._copied > COPY_SECONDS:
            self._copy()

    def _elsewhere(self) -> str:
        where = self.file.elsewhere()
        if where == "gone":
            try:
                self.file.write_anew()
            except OSError as error:
                return _GONE.format(self.path, error.strerror)
            log.error("%s: the queue's file was deleted. It is written anew, and nothing is lost.", self.path)
            self.renewed()
        elif where == "replaced":
            kept = self.path.with_name(f"{self.path.name}.rescued")
            with contextlib.suppress(OSError):
                self.file.withdraw()
                self.file.copy_to(kept)
            return _REPLACED.format(self.path, kept)
        return ""

    def _fault(self) -> str:
        try:
            found = sqlite.fault(self.path)
        except OSError as error:
            return (
                self._locked()
                if error.errno == errno.EBUSY
                else _UNREADABLE.format(self.path, error.strerror)
            )
        if not found and not sqlite.can_be_written(self.path):
            return self._locked()
        self._locked_since = None
        return _DAMAGED.format(self.path, found, self.path.parent) if found else ""

    def _locked(self) -> str:
        now = time.monotonic()
        self._locked_since = self._locked_since or now
        return _LOCKED.format(self.path) if now - self._locked_since >= LOCKED_SECONDS else ""

    def _copy(self) -> None:
        try:
            # Over a connection of its own: whoever asks for a status meanwhile does not wait for the disk.
            with contextlib.closing(sqlite.connect(self.path, "ro")) as connection:
                sqlite.copy(connection, sqlite.backup_name(self.path))
            for old in sqlite.backups(self.path)[COPIES:]:
                old.unlink()
        except (OSError, sqlite3.Error) as error:
            log.warning("the queue cannot be copied: %s", error)
        self._copied = time.monotonic()
