"""Where the service keeps its files. Names come from job ids of ours, never from a client."""

import contextlib
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from isa_engine.errors import EngineError
from isa_engine.service.archive import Archive


class Folders:
    """The data folder: ``queue.sqlite3``, ``uploads/`` and a folder a job.

    Args:
        store: URL of the queue, where it is not in this folder.
        results: URL where shots and results lie for good; this folder then only caches them.
    """

    def __init__(self, root: Path, store: str = "", results: str = ""):
        self.root = root
        self.queue = store or root / "queue.sqlite3"
        self.archive = Archive(results) if results else None
        self.uploads = root / "uploads"
        self.jobs = root / "jobs"
        for folder in (self.uploads, self.jobs):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def shot(self, job: str) -> Path:
        return self.jobs / job / "shot.npz"

    def preview(self, job: str) -> Path:
        return self.jobs / job / "preview.png"

    def checkpoint(self, job: str) -> Path:
        """The latents after the last denoising step, while a job is worked on."""
        return self.jobs / job / "latents.safetensors"

    def results(self, job: str, attempt: int) -> Path:
        """Each attempt writes into a folder of its own, so that two never mix."""
        return self.jobs / job / f"results-{attempt}"

    def keep(self, path: Path) -> None:
        """Put a file of a job where all hosts find it."""
        if self.archive:
            self.archive.keep(path, path.relative_to(self.jobs).as_posix())

    def bring(self, path: Path) -> Path:
        """A file of a job, from where another host put it, unless it is here."""
        if self.archive and not path.exists():
            self.archive.bring(path.relative_to(self.jobs).as_posix(), path)
        return path

    def remove(self, job: str) -> None:
        """All files of a job."""
        shutil.rmtree(self.jobs / job, ignore_errors=True)
        if self.archive:
            self.archive.remove(job)

    def sweep(self, known: Iterable[str]) -> None:
        """Remove uploads and folders that an interrupted service left without a job."""
        shutil.rmtree(self.uploads, ignore_errors=True)
        self.uploads.mkdir(mode=0o700)
        for job in {folder.name for folder in self.jobs.iterdir()} - set(known):
            self.remove(job)


@contextlib.contextmanager
def held(root: Path, store: str = "", results: str = "") -> Iterator[Folders]:
    """The data folder for one service alone, for as long as its process lives; arguments as of ``Folders``.

    Raises:
        EngineError: the folder cannot be written, or another service has it.
    """
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        # SQLite's own lock: it works on every system and ends with the process, however that ends.
        lock = sqlite3.connect(root / "lock.sqlite3", timeout=1, isolation_level=None)
        folders = Folders(root, store, results)
    except (OSError, sqlite3.Error) as error:
        remedy = "Choose another folder with --data."
        raise EngineError(f"cannot write: {error}", where=str(root), remedy=remedy) from error
    with contextlib.closing(lock):
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            remedy = "Stop it, or choose another folder with --data."
            raise EngineError("another engine uses this folder", where=str(root), remedy=remedy) from error
        yield folders
