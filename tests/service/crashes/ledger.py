"""What was sent to an engine, and whether all of it was made, once, to the same bytes."""

import contextlib
import hashlib
import uuid
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path

from isa_engine.client import EngineClient, EngineUnreachable
from isa_engine.client.protocol import RESULTS
from isa_engine.service.queue.store import JobStore
from isa_engine.shot import Settings, encode_shot
from tests.service.running import RunningEngine, eventually
from tests.service.stub_engine import results_of
from tests.shot.shots import small_shot

TOKEN = "chosen"
# Seconds to wait for what takes a few on an idle machine: a suite runs for long, beside whatever else does.
PATIENCE = 600


@dataclass(frozen=True)
class Outcome:
    """What became of all jobs of a trial; of two, added.

    Attributes:
        tries: how often the machine was made ill.
        jobs: that were sent.
        struck: that had begun when it happened, and began again.
        lost: that are not there, or not done.
        twice: that are there more than once.
        other: of whose results a byte is another.
        seconds: that it took; 0: not measured.
    """

    tries: int
    jobs: int
    struck: int = 0
    lost: int = 0
    twice: int = 0
    other: int = 0
    seconds: float = 0

    @property
    def whole(self) -> bool:
        return not (self.lost or self.twice or self.other)

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(*(sum(pair) for pair in zip(astuple(self), astuple(other), strict=True)))


@dataclass
class Ledger:
    """Shots that were sent, by their idempotency keys.

    Attributes:
        steps: that each takes.
    """

    steps: int
    shots: dict[str, bytes] = field(default_factory=dict)

    def send(self, client: EngineClient) -> None:
        """Send another shot. Where no answer comes it may have come in or not, as for any client."""
        key = uuid.uuid4().hex
        self.shots[key] = numbered(len(self.shots), self.steps)
        with contextlib.suppress(EngineUnreachable):
            client.submit(self.shots[key], key=key)

    def settle(self, engine: RunningEngine, tries: int, seconds: float = 1200) -> Outcome:
        """Send everything again, as by a client that never saw an answer, wait for all, and count."""
        client = engine.client
        jobs = {client.submit(content, key=key): content for key, content in self.shots.items()}
        eventually(lambda: all(client.job(job).over for job in jobs), "all jobs are over", seconds)
        with contextlib.closing(JobStore(engine.data / "queue.sqlite3", create=False)) as store:
            there = store.jobs()
        found = [client.job(job) for job in jobs]
        done = {status.id for status in found if status.state == "done"}
        lying = {path.name for path in (engine.data / "jobs").iterdir()}
        return Outcome(
            tries,
            len(jobs),
            struck=sum(status.attempt > 1 for status in found),
            lost=len(self.shots) - len(done),
            twice=len((set(there) | lying) - set(jobs)),
            other=sum(digests(engine, job) != expected(jobs[job]) for job in done),
        )


def numbered(number: int, steps: int) -> bytes:
    """Shots that differ, none of which asks the stub for anything special."""
    settings = Settings(seed=1000 + number, steps=steps)
    return encode_shot(replace(small_shot(), background=None, settings=settings))


def expected(content: bytes) -> dict[str, str]:
    """SHA-256 of what becomes of a shot where nothing happens on the way."""
    return {name: hashlib.sha256(found).hexdigest() for name, found in results_of(content).items()}


def digests(engine: RunningEngine, job: str) -> dict[str, str]:
    """SHA-256 of a job's results as they lie there; empty where the engine says another of them."""
    said = {file.name: file.sha256 for file in engine.client.results(job)}
    lying = {path.name: _digest(path) for path in (engine.data / "jobs" / job).glob("results-*/*")}
    return lying if lying == said and set(said) == set(RESULTS) else {}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
