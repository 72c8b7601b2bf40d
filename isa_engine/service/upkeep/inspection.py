"""Whether the results of a job are still what the queue says of them.

A file of another length shows at a glance, so all are looked at when the service starts. Its content is held
against its checksum before it is handed out for the first time, and again where the file was changed.
"""

import threading
from collections import OrderedDict
from pathlib import Path

from isa_engine.client.protocol import ResultFile
from isa_engine.errors import EngineError
from isa_engine.service.files.checksum import sha256
from isa_engine.service.files.folders import Folders
from isa_engine.service.queue.store import JobStore

_REMEMBERED = 10_000


class Inspection:
    """Looks at results; what was found whole is not read again."""

    def __init__(self, folders: Folders):
        self.folders = folders
        self._whole: OrderedDict[Path, tuple] = OrderedDict()
        self._lock = threading.Lock()

    def fault(self, job: str, attempt: int, expected: ResultFile) -> EngineError | None:
        """What is wrong with a result that is missing or damaged; None: it is whole.

        Where results lie elsewhere for good, a copy that is damaged here is brought again.

        Raises:
            OSError: the disk cannot be read, which says nothing of the result.
        """
        path = self.folders.results(job, attempt) / expected.name
        fault = self._look(self.folders.bring(path), job, expected)
        if fault and self.folders.archive:
            path.unlink(missing_ok=True)
            fault = self._look(self.folders.bring(path), job, expected)
        return fault

    def _look(self, path: Path, job: str, expected: ResultFile) -> EngineError | None:
        if fault := glance(path, job, expected):
            return fault
        found = path.stat()
        # With the checksum that is expected: another attempt may have written over the same file.
        key = (found.st_ino, found.st_mtime_ns, found.st_size, expected.sha256)
        with self._lock:
            if self._whole.get(path) == key:
                return None
        if sha256(path) != expected.sha256:
            return _spoiled(f"{expected.name} was changed or damaged on the engine's disk", job)
        with self._lock:
            self._whole[path] = key
            while len(self._whole) > _REMEMBERED:
                self._whole.popitem(last=False)
        return None


def glance(path: Path, job: str, expected: ResultFile) -> EngineError | None:
    """What is wrong with a result that is not there, or is of another length; None: neither."""
    try:
        found = path.stat().st_size
    except FileNotFoundError:
        return _spoiled(f"{expected.name} is no longer on the engine's disk", job)
    if found != expected.bytes:
        problem = f"{expected.name} has {found} of its {expected.bytes} bytes on the engine's disk"
        return _spoiled(problem, job)
    return None


def glance_at_all(store: JobStore, folders: Folders) -> list[str]:
    """Look at every job that is done, let those fail whose results are not whole, and return these."""
    spoiled = []
    # An archive has files whole or not at all, so there is nothing to look for.
    for job, attempt, files in [] if folders.archive else store.all_results():
        found = (glance(folders.results(job, attempt) / file.name, job, file) for file in files)
        if fault := next(filter(None, found), None):
            store.spoiled(job, str(fault))
            spoiled.append(job)
    return spoiled


def _spoiled(problem: str, job: str) -> EngineError:
    return EngineError(problem, remedy=f"Queue the job again: isa-engine requeue {job}.")
