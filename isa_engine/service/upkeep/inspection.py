"""Whether the results of a job are still what the queue says of them.

A file of another length shows at a glance, so all are looked at when the service starts. Its content is held
against its checksum before it is handed out for the first time, and again where the file was changed.
"""

import threading
from collections import OrderedDict
from pathlib import Path

from isa_engine.client.protocol import ResultFile
from isa_engine.service.files.checksum import sha256
from isa_engine.service.files.folders import Folders
from isa_engine.service.queue.store import JobStore

_REMEMBERED = 10_000
_REMEDY = "Queue the job again: isa-engine requeue {}."


class Inspection:
    """Looks at results; what was found whole is not read again."""

    def __init__(self, folders: Folders):
        self.folders = folders
        self._whole: OrderedDict[Path, tuple] = OrderedDict()
        self._lock = threading.Lock()

    def fault(self, job: str, attempt: int, expected: ResultFile) -> str:
        """The sentence for a result that is missing or damaged; "": it is whole.

        Where results lie elsewhere for good, a copy that is damaged here is brought again.

        Raises:
            OSError: the disk cannot be read, which says nothing of the result.
        """
        path = self.folders.results(job, attempt) / expected.name
        sentence = self._look(self.folders.bring(path), job, expected)
        if sentence and self.folders.archive:
            path.unlink(missing_ok=True)
            sentence = self._look(self.folders.bring(path), job, expected)
        return sentence

    def _look(self, path: Path, job: str, expected: ResultFile) -> str:
        if sentence := glance(path, job, expected):
            return sentence
        found = path.stat()
        # With the checksum that is expected: another attempt may have written over the same file.
        key = (found.st_ino, found.st_mtime_ns, found.st_size, expected.sha256)
        with self._lock:
            if self._whole.get(path) == key:
                return ""
        if sha256(path) != expected.sha256:
            return _sentence(f"{expected.name} was changed or damaged on the engine's disk", job)
        with self._lock:
            self._whole[path] = key
            while len(self._whole) > _REMEMBERED:
                self._whole.popitem(last=False)
        return ""


def glance(path: Path, job: str, expected: ResultFile) -> str:
    """The sentence for a result that is not there, or is of another length; "": neither."""
    try:
        found = path.stat().st_size
    except FileNotFoundError:
        return _sentence(f"{expected.name} is no longer on the engine's disk", job)
    if found != expected.bytes:
        problem = f"{expected.name} has {found} of its {expected.bytes} bytes on the engine's disk"
        return _sentence(problem, job)
    return ""


def glance_at_all(store: JobStore, folders: Folders) -> list[str]:
    """Look at every job that is done, let those fail whose results are not whole, and return these."""
    spoiled = []
    # An archive has files whole or not at all, so there is nothing to look for.
    for job, attempt, files in [] if folders.archive else store.all_results():
        found = (glance(folders.results(job, attempt) / file.name, job, file) for file in files)
        if sentence := next(filter(None, found), ""):
            store.spoiled(job, sentence)
            spoiled.append(job)
    return spoiled


def _sentence(problem: str, job: str) -> str:
    return f"{problem}. {_REMEDY.format(job)}"
