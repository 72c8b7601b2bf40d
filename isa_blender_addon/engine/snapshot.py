"""How a job stands, as its thread shows it to the main thread, and what a take is once that is noted."""

from dataclasses import dataclass, replace
from pathlib import Path

from ..takes.take import Take, fresh_key


@dataclass(frozen=True)
class JobSnapshot:
    """How a job stands.

    Attributes:
        state: "waiting" (for the engine to start), "uploading", "queued", "running", "held" (until somebody
            resumes it), "lost" (the engine does not answer now), "fetching", and at the end "done", "failed"
            or "cancelled".
        job: the engine's name for it; empty before it has one, and where the engine has ended it.
        phase, step, steps: the engine's, while running (``protocol.JobStatus``); bytes, while uploading.
        error: a sentence: why it failed or, where the engine has it waiting, what stands in its way.
        preview: the newest preview picture, if there is one.
        preview_version: another number for another picture.
        priority, comment: the engine's.
        said: why an order could not be carried out, as a sentence.
    """

    state: str = "waiting"
    job: str = ""
    phase: str = ""
    step: int = 0
    steps: int = 0
    error: str = ""
    preview: Path | None = None
    preview_version: int = 0
    priority: int = 0
    comment: str = ""
    said: str = ""

    @property
    def over(self) -> bool:
        """Whether the job has ended; the snapshot is its last one then."""
        return self.state in ("done", "failed", "cancelled")

    def noted(self, take: Take) -> Take:
        """A take as it is to be kept, now that its job stands so."""
        if self.job and self.job != take.job:
            take = replace(take, state="sent", job=self.job)
        elif take.job and not self.job:
            # The engine has ended it: under the same key it would not make another.
            take = replace(take, key=fresh_key(), job="")
        return replace(take, state=self.state, error=self.error) if self.over else take
