"""The queue of a data folder in an operator's hands: is it whole, copy it, bring a copy back."""

import contextlib
import os
import sqlite3
import time
from pathlib import Path

from isa_engine.errors import EngineError, reason
from isa_engine.out_folder import make_folder
from isa_engine.service.files.durable import flush
from isa_engine.service.files.folders import QUEUE, Folders
from isa_engine.service.queue import sqlite
from isa_engine.service.queue.schema import VERSION
from isa_engine.service.queue.store import JobStore
from isa_engine.service.upkeep.inspection import Inspection
from isa_engine.service.upkeep.lock import held


def check(data: Path) -> list[str]:
    """A sentence for everything that is damaged or missing, every result's content read.

    Raises:
        EngineError: the queue itself cannot be read.
    """
    path = queue_in(data)
    if found := fault(path):
        raise EngineError(f"the queue is damaged: {found}", where=str(path), remedy=_remedy(path))
    folders, findings = Folders(data), []
    inspection = Inspection(folders)
    with contextlib.closing(JobStore(path, create=False)) as store:
        for job, attempt, files in store.all_results():
            faults = (inspection.fault(job, attempt, file) for file in files)
            findings += [str(fault) for fault in faults if fault]
        known = set(store.jobs())
        for job in store.waiting():
            if not (folders.shot(job).is_file() or (folders.uploads / job).is_file()):
                findings.append(f"The shot of the waiting job {job} is missing. Cancel it and send it again.")
        removed = set(store.removals())
    strays = {path.name for path in folders.jobs.iterdir()} - known - removed
    findings += [f"The queue does not know {folders.jobs / job}." for job in sorted(strays)]
    return findings


def back_up(data: Path, file: Path) -> None:
    """Copy a queue as it is now.

    Raises:
        EngineError: there is none, it is damaged, or the copy cannot be written, or not there.
    """
    path = queue_in(data)
    if file.exists() and file.resolve().is_relative_to(data.resolve()):
        remedy = "Name a new file, on another disk if there is one."
        raise EngineError(
            "the copy would take the place of a file of the engine's", where=str(file), remedy=remedy
        )
    if found := fault(path):
        raise EngineError(f"the queue is damaged: {found}", where=str(path), remedy=_remedy(path))
    make_folder(file.parent)
    try:
        with contextlib.closing(sqlite.connect(path, "ro")) as connection:
            sqlite.copy(connection, file)
    except (OSError, sqlite3.Error) as error:
        remedy = "Name another file, or free some space."
        raise EngineError(
            f"the copy cannot be written: {reason(error)}", where=str(file), remedy=remedy
        ) from error


def restore(data: Path, file: Path | None) -> str:
    """Bring a copy of a queue back; the one that is there is kept beside it under another name.

    Args:
        file: the copy; None: the newest that the engine made itself and that is whole.

    Returns:
        What was done, in a sentence.

    Raises:
        EngineError: there is no whole copy, or an engine uses the folder.
    """
    with held(data) as (folders, _):
        path = Path(folders.queue)
        copies = [file] if file else [each for each in sqlite.backups(path) if each.is_file()]
        whole = next((each for each in copies if each.is_file() and _is_queue(each)), None)
        if whole is None:
            where = str(file or data)
            raise EngineError("there is no whole copy of a queue", where=where, remedy="Give another file.")
        with contextlib.closing(sqlite.connect(whole, "ro")) as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version != VERSION and version not in sqlite.MIGRATIONS:
                raise sqlite.other_version(version, str(whole))
            kept = _put_aside(path)
            sqlite.copy(connection, path)
    was = f" What was there is now {kept.name}." if kept else ""
    return f"{path} is {whole} again.{was} See isa-engine queue check."


def _is_queue(path: Path) -> bool:
    """Whether a file is a queue, of any version, and whole. To SQLite an empty file is a database, too."""
    if fault(path):
        return False
    with contextlib.closing(sqlite.connect(path, "ro")) as connection:
        return bool(connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'jobs'").fetchall())


def _put_aside(path: Path) -> Path | None:
    """Rename a queue and what SQLite keeps beside it."""
    if not path.exists():
        return None
    kept = path.with_name(f"{path.name}.before-{time.strftime('%Y%m%d%H%M%S')}")
    for side in ("", *sqlite.SIDE_FILES):
        part = path.with_name(path.name + side)
        if part.exists():
            os.replace(part, kept.with_name(kept.name + side))
    flush(path.parent)
    return kept


def queue_in(data: Path) -> Path:
    """The queue's file of a data folder.

    Raises:
        EngineError: there is none.
    """
    path = data / QUEUE
    if not path.is_file():
        raise EngineError("there is no queue", where=str(data), remedy=_remedy(path))
    return path


def fault(path: Path) -> str:
    """As ``sqlite.fault``; what cannot be read is an ``EngineError``."""
    try:
        return sqlite.fault(path)
    except OSError as error:
        raise sqlite.unusable(path, error) from error


def _remedy(path: Path) -> str:
    if sqlite.backups(path):
        return f"Bring the newest copy back: isa-engine queue restore --data {path.parent}"
    return "Give the engine's data folder."
