"""One attempt at a job, as the pipeline sees it."""

import contextlib
import hashlib
import time

from isa_engine.errors import Cancelled, EngineError
from isa_engine.service.files.job_log import note
from isa_engine.service.queue.claims import Claim
from isa_engine.shot import Shot, read_shot
from isa_engine.whole_file import whole_file


class Stopping(Exception):
    """The worker was told to stop, or its job to wait; it goes on later."""


class Overdue(EngineError):
    """The job took too long."""


class Damaged(EngineError):
    """The shot on the disk is not the one that came."""


class Run:
    """One attempt at a job: what ``generate`` tells of it, and the file that it goes on from.

    Attributes:
        path: of that file.
        shot_file: the shot as it came, once it was read.
    """

    def __init__(self, worker, claim: Claim):
        self.worker, self.claim = worker, claim
        self.path = worker.folders.checkpoint(claim.id)
        self.shot_file = worker.folders.shot(claim.id)
        self.began, self.phase = time.monotonic(), ""

    def note(self, line: str) -> None:
        """Add a line to the job's log."""
        note(self.worker.folders.log(self.claim.id), line)

    def read_shot(self) -> Shot:
        """The shot as it came.

        Raises:
            Damaged: it is missing, or another, here and where it lies for good.
            ShotError: it was never one.
            OSError: the disk cannot be read, which says nothing of the shot.
        """
        encoded = self._brought()
        if not self._came(encoded) and self.worker.folders.archive:
            # Only a copy of what lies elsewhere: it is brought once more.
            self.shot_file.unlink(missing_ok=True)
            encoded = self._brought()
        if not self._came(encoded):
            state = "was damaged" if encoded else "is no longer"
            raise Damaged(f"the shot {state} on the engine's disk", remedy="Send it again.")
        return read_shot(encoded)

    def _brought(self) -> bytes:
        """The shot's file, from wherever it lies; empty: it is nowhere."""
        with contextlib.suppress(FileNotFoundError):
            return self.worker.folders.bring_shot(self.claim.id).read_bytes()
        return b""

    def _came(self, encoded: bytes) -> bool:
        """Whether it is the file that came."""
        # Of a job that an early version took, the queue does not know the checksum.
        return bool(encoded) and self.claim.shot in ("", hashlib.sha256(encoded).hexdigest())

    def saved(self, step: int) -> None:
        """A checkpoint of this denoising step lies at ``path``."""
        self.worker.store.saved(self.claim, step)

    def report(self, progress) -> None:
        """Write down progress.

        Raises:
            Cancelled: the job is to end.
            Stopping: the worker is to end, or the job is to wait.
            Overdue: the job has taken too long.
        """
        worker, claim = self.worker, self.claim
        if progress.preview is not None:
            with whole_file(worker.folders.preview(claim.id)) as partial:
                progress.preview.save(partial, format="PNG")
        seconds = claim.seconds + time.monotonic() - self.began
        shown = (progress.phase, progress.step, progress.steps, progress.preview is not None)
        if progress.phase != self.phase:
            self.phase = progress.phase
            self.note(f"{progress.phase}: {progress.steps} steps, at {progress.step}")
        if not worker.store.report(claim, *shown, seconds):
            raise Stopping if worker.store.to_be_held(claim) else Cancelled
        worker.alive()
        if worker.stopping.is_set():
            raise Stopping
        if seconds > worker.job_seconds:
            hours = f"{worker.job_seconds / 3600:g}"
            problem = f"the job took longer than the {hours} hours that this engine gives one"
            raise Overdue(problem, remedy="Shorten it.")
