"""Where the service keeps its files. Names come from job ids of ours, never from a client.

An upload is ``uploads/JOB.part`` until it is whole, ``uploads/JOB`` until the queue has the job, then the
job's. So what a crash leaves is known for what it is, and nothing is deleted at once because the queue does
not know it: the queue may be the one that was lost (``strays``).
"""

import contextlib
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from isa_engine.client.protocol import RESULTS
from isa_engine.errors import EngineError
from isa_engine.service.files.archive import Archive
from isa_engine.service.files.durable import flush, flush_all

QUEUE = "queue.sqlite3"


class Folders:
    """The data folder: ``queue.sqlite3``, ``uploads/`` and a folder a job, for its owner's eyes alone.

    Args:
        store: URL of the queue, where it is not in this folder.
        results: URL where shots and results lie for good; this folder then only caches them.
    """

    def __init__(self, root: Path, store: str = "", results: str = ""):
        self.root = root
        self.queue = store or root / QUEUE
        self.archive = Archive(results) if results else None
        self.uploads = root / "uploads"
        self.jobs = root / "jobs"
        for folder in (self.root, self.uploads, self.jobs):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            # The folder may have been made before, with a mode that lets everyone look into it.
            folder.chmod(0o700)

    def job(self, job: str) -> Path:
        """Where a job's files lie.

        Raises:
            EngineError: a queue that came from elsewhere has a job whose name leads out of this folder.
        """
        if job in ("", ".", "..") or Path(job).name != job:
            remedy = "Bring back a queue of this engine's own with 'isa-engine queue restore'."
            raise EngineError(f"this is no job's name: {job!r}", where=str(self.queue), remedy=remedy)
        return self.jobs / job

    def shot(self, job: str) -> Path:
        return self.job(job) / "shot.npz"

    def preview(self, job: str) -> Path:
        return self.job(job) / "preview.png"

    def log(self, job: str) -> Path:
        """What its workers did over it, in words."""
        return self.job(job) / "log.txt"

    def checkpoint(self, job: str) -> Path:
        """The latents after the last denoising step, while a job is worked on."""
        return self.job(job) / "latents.safetensors"

    def results(self, job: str, attempt: int) -> Path:
        """Each attempt writes into a folder of its own, so that two never mix."""
        return self.job(job) / f"results-{attempt}"

    def receiving(self, job: str) -> Path:
        """Where a shot is written while it comes in."""
        return self.uploads / f"{job}.part"

    def received(self, job: str) -> None:
        """A whole shot came in: from now on it outlives everything, whether or not it becomes a job."""
        flush(self.receiving(job))
        self.receiving(job).replace(self.uploads / job)
        flush(self.uploads)
        if self.archive:
            self.archive.keep(self.uploads / job, f"{job}/shot.npz")

    def admit(self, job: str) -> None:
        """Put a received shot into its job's folder. Service and worker may both do so."""
        with contextlib.suppress(FileNotFoundError):
            if (self.uploads / job).exists():
                self.shot(job).parent.mkdir(mode=0o700, exist_ok=True)
                (self.uploads / job).replace(self.shot(job))

    def reject(self, job: str) -> bool:
        """Forget a shot that becomes no job; whether it is gone."""
        self.receiving(job).unlink(missing_ok=True)
        (self.uploads / job).unlink(missing_ok=True)
        if self.archive:
            self.archive.remove(job)
        return not (self.uploads / job).exists()

    def uploaded(self) -> list[str]:
        """Whole shots that are in no job's folder, by the names that are ours."""
        return [
            path.name
            for path in self.uploads.iterdir()
            if re.fullmatch("[0-9a-f]{32}", path.name) and path.is_file()
        ]

    def has_shot(self, job: str) -> bool:
        """Whether a job's shot is anywhere."""
        try:
            return self.bring_shot(job).is_file()
        except OSError:
            return False

    def bring_shot(self, job: str) -> Path:
        """A job's shot, from wherever it is."""
        self.admit(job)
        return self.bring(self.shot(job))

    def keep_results(self, job: str, attempt: int) -> None:
        """Put an attempt's results onto the disk, and where all hosts find them."""
        out = self.results(job, attempt)
        flush_all(out, tuple(RESULTS), self.jobs)
        if self.archive:
            for name in RESULTS:
                self.archive.keep(out / name, f"{job}/{out.name}/{name}")

    def bring(self, path: Path) -> Path:
        """A file of a job, from where another host put it, unless it is here."""
        if self.archive and not path.exists():
            self.archive.bring(path.relative_to(self.jobs).as_posix(), path)
        return path

    def begin(self, job: str, attempt: int) -> Path:
        """An empty folder for an attempt's results; those of others go."""
        for earlier in self.job(job).glob("results-*"):
            shutil.rmtree(earlier, ignore_errors=True)
        out = self.results(job, attempt)
        out.parent.mkdir(mode=0o700, exist_ok=True)
        out.mkdir(mode=0o700)
        return out

    def remove(self, job: str) -> bool:
        """Remove all files of a job; whether all are gone."""
        shutil.rmtree(self.job(job), ignore_errors=True)
        (self.uploads / job).unlink(missing_ok=True)
        if self.archive:
            self.archive.remove(job)
        return not self.job(job).exists()

    def tidy(self, known: Iterable[str]) -> list[str]:
        """Put away what an interrupted service left, and say what the queue does not know.

        Args:
            known: the queue's jobs.

        Returns:
            Names of jobs whose files lie here and that the queue does not have. They stay as they are, unless
            they are only copies of what lies elsewhere for good.
        """
        known = set(known)
        for half in self.uploads.glob("*.part"):
            # A folder of that name is nobody's upload. What cannot be removed stays for another start.
            if not half.is_dir():
                with contextlib.suppress(OSError):
                    half.unlink()
        for upload in list(self.uploads.iterdir()):
            if upload.name in known:
                # On a full disk it stays here, where the worker looks for it, too.
                with contextlib.suppress(OSError):
                    self.admit(upload.name)
        strays = {path.name for folder in (self.uploads, self.jobs) for path in folder.iterdir()} - known
        if self.archive:
            for job in strays:
                shutil.rmtree(self.jobs / job, ignore_errors=True)
        return [] if self.archive else sorted(strays)
