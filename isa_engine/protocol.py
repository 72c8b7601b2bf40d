"""What client and service say to each other, as plain data; needs nothing but Python.

Both sides are of the same major and minor version, which ``client`` checks.
"""

from dataclasses import dataclass

PREFIX = "/v1"

# The files that a finished job holds, and their media types. Nothing else can be asked for.
RESULTS = {
    "plate.mp4": "video/mp4",
    "matte.mp4": "video/mp4",
    "record.json": "application/json",
    "shot.npz": "application/octet-stream",
}

# A job's life. Every other change of state is refused by the store.
TRANSITIONS = {
    "queued": ("running", "cancelled", "failed"),
    "running": ("done", "cancelled", "failed", "queued"),
    "done": (),
    "cancelled": (),
    "failed": (),
}


@dataclass(frozen=True)
class JobStatus:
    """A job as the service sees it.

    Attributes:
        id: a random name.
        state: a key of ``TRANSITIONS``.
        phase: of the pipeline: "encode", "denoise", "decode", "write"; empty before the first report.
        step, steps: of the phase.
        previews: preview pictures so far; a greater number says that there is a newer one.
        error: a sentence, where the job failed.
        created, started, finished: seconds since 1970 by the engine's clock; None: not yet.
    """

    id: str
    state: str
    phase: str
    step: int
    steps: int
    previews: int
    error: str
    created: float
    started: float | None
    finished: float | None

    @property
    def over(self) -> bool:
        return not TRANSITIONS.get(self.state, ())


@dataclass(frozen=True)
class ModelInfo:
    """A model that the engine knows.

    Attributes:
        trained: whether its weights are on the engine's machine; without them it generates noise.
        short_side, multiple, max_frames: as in ``configuration.ModelConfig``.
    """

    name: str
    trained: bool
    short_side: int
    multiple: int
    max_frames: int


@dataclass(frozen=True)
class Health:
    """The engine itself.

    Attributes:
        worker: "starting" (loading the model), "ready" or "stopped".
        device: "cpu", "cuda", ...; empty until the worker is ready.
        upload_limit: bytes of the largest shot file that is taken.
    """

    version: str
    worker: str
    device: str
    upload_limit: int
    models: tuple[ModelInfo, ...]
