"""What client and service say to each other, as plain data.

Both sides are of the same major and minor version, which ``client`` checks.
"""

from dataclasses import dataclass

from isa_engine.results.files import LATENTS, MATTE, PLATE, RECORD, SHOT

PREFIX = "/v1"

# The files that a finished job holds, and their media types. Nothing else can be asked for.
RESULTS = {
    PLATE: "video/mp4",
    MATTE: "video/mp4",
    RECORD: "application/json",
    SHOT: "application/octet-stream",
    LATENTS: "application/octet-stream",
}

# A job's life. Every other change of state is refused by the database. What is done fails when the engine
# finds its results damaged; what failed or was cancelled can be queued again.
TRANSITIONS = {
    "queued": ("running", "held", "cancelled", "failed"),
    "running": ("done", "cancelled", "failed", "queued", "held"),
    "held": ("queued", "cancelled"),
    "done": ("failed",),
    "cancelled": ("queued",),
    "failed": ("queued",),
}
# Nobody works on it any more, and only that can be deleted.
OVER = ("done", "cancelled", "failed")

# What a token may do: everything with jobs of its own; read the metrics; all of it, with everyone's jobs.
SCOPES = ("jobs", "metrics", "admin")

# Greater comes first, among the jobs of one token.
PRIORITIES = range(-100, 101)

# Characters of a job's name, of a comment, and of a sentence on what went wrong.
MAX_NAME, MAX_COMMENT, MAX_SENTENCE = 128, 1000, 2000

# Why jobs fail: the shot was refused; memory did not suffice; it took too long; the worker died or hung on
# it; the shot or the results were damaged on the disk; the engine failed.
REASONS = ("refused", "memory", "time", "worker", "damaged", "engine")

# Why a request is refused, each with its HTTP status.
REFUSALS = {
    # It makes no sense.
    "request": 400,
    # The token is missing or wrong; it is not made for this.
    "token": 401,
    "scope": 403,
    # There is no such job, result, worker or route.
    "unknown": 404,
    # The shot did not come whole.
    "upload": 408,
    # The job's state does not allow it; its Idempotency-Key came with another shot before.
    "state": 409,
    "key": 409,
    # The job's shot or results are damaged or gone.
    "damaged": 409,
    # More bytes than are taken.
    "size": 413,
    # The shot makes no sense, or is more work than is taken.
    "shot": 422,
    # The token has as much as it may have.
    "quota": 429,
    # The engine made a mistake; it has too much to do just now; its machine is ill; its disk is full.
    "engine": 500,
    "busy": 503,
    "host": 503,
    "disk": 507,
}


def kind_of(status: int) -> str:
    """The kind of a refusal that says its HTTP status alone, as a web framework or an older engine does."""
    found = {401: "token", 403: "scope", 404: "unknown", 413: "size", 503: "busy", 507: "disk"}
    return found.get(status, "request" if status < 500 else "engine")


@dataclass(frozen=True)
class Refusal:
    """The body of every answer with a status of 400 or more, but for ``/ready``'s.

    Attributes:
        error: the whole sentence, "problem (where). remedy".
        problem, where, remedy: its parts, as of ``errors.IsaError``; empty where there is none.
        kind: key of ``REFUSALS``, for programs to branch on.
    """

    error: str
    problem: str = ""
    where: str = ""
    remedy: str = ""
    kind: str = ""


@dataclass(frozen=True)
class JobStatus:
    """A job as the service sees it.

    Attributes:
        id: a random name.
        state: a key of ``TRANSITIONS``.
        phase: of the pipeline: "encode", "denoise", "decode", "write"; empty before the first report.
        step, steps: of the phase.
        previews: preview pictures so far; a greater number says that there is a newer one.
        error: a sentence: why it failed or, where it is queued and that has lasted, what stands in its way.
        priority: one of ``PRIORITIES``.
        attempt: how often it was begun; more than once where a worker or the engine went away.
        created, started, finished: seconds since 1970 by the engine's clock; None: not yet.
        name, comment: as whoever sent it, or an admin, gave them.
        owner: name of the token that it came with; empty: that which the engine was started with.
        reason: of ``REASONS``, where it failed.
        worker: number of the one that has it, or had it last; None: none yet.
    """

    id: str
    state: str
    phase: str
    step: int
    steps: int
    previews: int
    error: str
    priority: int
    attempt: int
    created: float
    started: float | None
    finished: float | None
    name: str = ""
    comment: str = ""
    owner: str = ""
    reason: str = ""
    worker: int | None = None

    @property
    def over(self) -> bool:
        return self.state in OVER


@dataclass(frozen=True)
class JobEvent:
    """A change of a job, in the order in which they happened.

    Attributes:
        number: greater than that of every earlier event; the ``id`` of the server-sent event.
        state, phase, step, steps, previews, error: as in ``JobStatus``, after the change.
    """

    number: int
    job: str
    state: str
    phase: str
    step: int
    steps: int
    previews: int
    error: str

    @property
    def over(self) -> bool:
        return self.state in OVER


@dataclass(frozen=True)
class ResultFile:
    """A file that a finished job holds.

    Attributes:
        name: a key of ``RESULTS``.
        bytes: its length.
        sha256: in hexadecimal.
    """

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Ending:
    """How a job ended; it outlives the job.

    Attributes:
        number: greater than that of every earlier ending.
        job: its id; of one that was queued anew there are several endings.
        name, owner, comment, state, reason, error, priority, attempt, created, started, finished: as in
            ``JobStatus``.
    """

    number: int
    job: str
    name: str
    owner: str
    comment: str
    state: str
    reason: str
    error: str
    priority: int
    attempt: int
    created: float
    started: float | None
    finished: float | None


@dataclass(frozen=True)
class ModelInfo:
    """A model that the engine knows.

    Attributes:
        kind: of ``models.KINDS``.
        state, licence, short_side, multiple, max_frames: as in ``models.Description``, there.
        facts: what the kind tells of it besides, from which its ``told`` makes the whole description.
    """

    name: str
    kind: str
    state: str
    licence: str
    short_side: int
    multiple: int
    max_frames: int
    facts: dict


@dataclass(frozen=True)
class Memory:
    """The memory of a device, in bytes.

    Attributes:
        free: beside the model that is loaded, as the worker last saw it between two jobs.
    """

    free: int
    total: int


@dataclass(frozen=True)
class WorkerStatus:
    """A worker, and what it does.

    Attributes:
        state, device, memory: as in ``Health``, of this one.
        trouble: why it takes no job, as a sentence.
        seen: its last sign of life, seconds since 1970 by the engine's clock.
        blamed: jobs in a row that failed on it and that others did.
        job: that it works on; empty: none.
        phase, step, steps: of that job.
    """

    number: int
    state: str
    device: str
    memory: Memory | None
    trouble: str
    seen: float
    blamed: int
    job: str
    phase: str
    step: int
    steps: int


@dataclass(frozen=True)
class Health:
    """The engine itself.

    Attributes:
        worker: "starting" (loading the model), "ready" or "stopped"; of several, the one that is furthest.
        device: "cpu", "cuda", ...; of several workers separated by commas; empty until a worker is ready.
        memory: of the device; of several the smallest, for any may get the job; None: not known.
        upload_limit: bytes of the largest shot file that is taken.
        trouble: why no job would begin now, in sentences; empty: the next one does.
    """

    version: str
    worker: str
    device: str
    memory: Memory | None
    upload_limit: int
    models: tuple[ModelInfo, ...]
    trouble: str = ""
