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
        encoded: the shot's file.
    """

    def __init__(self, worker, claim: Claim):
        self.worker, self.claim = worker, claim
        self.path = worker.folders.checkpoint(claim.id)
        self.encoded = b""
        self.began, self.phase = time.monotonic(), ""

    def note(self, line: str) -> None:
        """Add a line to the job's log."""
        note(self.worker.folders.log(self.claim.id), line)

    def read_shot(self) -> Shot:
        """The shot as it came; its file is ``encoded`` from now on.

        Raises:
            Damaged: it is missing, or another, here and where it lies for good.
            ShotError: it was never one.
            OSError: the disk cannot be read, which says nothing of the shot.
        """
        whole = self._bring()
        if not whole and self.worker.folders.archive:
            # Only a copy of what lies elsewhere: it is brought once more.
            self.worker.folders.shot(self.claim.id).unlink(missing_ok=True)
            whole = self._bring()
        if not whole:
            state = "was damaged" if self.encoded else "is no longer"
            raise Damaged(f"the shot {state} on the engine's disk", remedy="Send it again.")
        return read_shot(self.encoded)

    def _bring(self) -> bool:
        """Read the shot's file; whether it is the one that came."""
        self.encoded = b""
        with contextlib.suppress(FileNotFoundError):
            self.encoded = self.worker.folders.bring_shot(self.claim.id).read_bytes()
        # Of a job that an early version took, the queue does not know the checksum.
        return bool(self.encoded) and self.claim.shot in ("", hashlib.sha256(self.encoded).hexdigest())

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
