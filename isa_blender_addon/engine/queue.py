"""The jobs that make takes, in the order that the artist wants.

An engine gets as many jobs as it has workers; the rest wait here, where they can be put in another order.

Everything has one owner. The queue knows whose turn it is, and what waits for the artist's word; it asks the
two others, and they never ask it. ``KeptTakes`` has what is known of takes, in memory and on disk. A
``JobRunner`` has what becomes of its job: the queue reads its snapshots, and notes in the take what they say.
The main thread owns the queue; no method blocks but those that say so.
"""

import math
import time
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path

from isa_engine.shot import Shot

from ..takes.kept import KeptTakes
from ..takes.take import HERE, Take, fresh_key
from .jobs import JobRunner
from .orders import Order
from .reach import Engine
from .snapshot import JobSnapshot

# Seconds at Blender's end for telling engines what is cancelled.
_FAREWELL_SECONDS = 2
STOPPED = ("failed", "cancelled", "resting", "elsewhere")


@dataclass(frozen=True)
class Job:
    """How a take that has no plate in the scene yet stands.

    Attributes:
        state: as of ``JobSnapshot`` while it is worked on; else the take's, "resting" for one that waits for
            the artist's word, or "elsewhere" for one that another engine has.
        snapshot: with the error where it has failed.
    """

    take: Take
    state: str
    snapshot: JobSnapshot

    @property
    def stopped(self) -> bool:
        """Whether nothing goes on until the artist says so."""
        return self.state in STOPPED

    @property
    def movable(self) -> bool:
        """Whether its place in the queue is still to be chosen."""
        return self.state in ("waiting", "resting") and not self.take.job


class JobQueue:
    """The queue of one Blender, with the takes that it knows.

    Args:
        patience: seconds that a job waits for an engine that does not answer.
    """

    def __init__(self, patience: float = math.inf):
        self._patience, self._engine = patience, HERE
        self._takes = KeptTakes()
        self._runners: dict[Path, JobRunner] = {}
        self._resting: set[Path] = set()

    def add(self, take: Take, shot: Shot) -> None:
        """A new job, after the others."""
        self._takes.add(take, shot)

    def search(self, outputs: Iterable[Path]) -> Future:
        """The takes on disk in these output folders, ``list[Take]``, for ``attach``."""
        return self._takes.search(outputs)

    def attach(self, takes: Iterable[Take]) -> None:
        """Takes that were found on disk. What an engine has is gone on with; what waits, waits for a word."""
        for take in takes:
            if take.folder not in self._takes:
                self._takes.attach(take)
                if take.state == "waiting":
                    self._resting.add(take.folder)

    def jobs(self) -> list[Job]:
        """What is not done, in order."""
        unfinished = [take for take in self._takes.all() if take.state != "done"]
        return [self._job(take) for take in sorted(unfinished, key=lambda take: take.place)]

    def arrived(self) -> list[Take]:
        """Takes whose plates are here and have not come to a scene yet, oldest first."""
        return [take for take in self._takes.all() if take.state == "done" and not take.imported]

    def takes(self, shot_id: str) -> list[Take]:
        """A shot's takes that have a plate: pinned ones first, then the newest."""
        found = [take for take in self._takes.all() if take.shot_id == shot_id and take.state == "done"]
        return sorted(found, key=lambda take: (not take.pinned, -take.created))

    def lying_in(self, output: Path, shot_id: str) -> list[Take]:
        """A shot's takes in an output folder that nobody works on, so that they can be moved.

        Waits until they are on disk.
        """
        self.wait_for_disk()
        return [
            take
            for take in self._takes.all()
            if take.shot_id == shot_id
            and take.folder.parent == output
            and self._working_on(take.folder) is None
            and not self._takes.writes_shot(take.folder)
        ]

    def wait_for_disk(self) -> None:
        """Wait until takes are on disk as they are here: a file that is being written has another name until
        it is whole, and who copies or moves a take's files would miss it."""
        self._takes.wait()

    def adopt(self, take: Take, folder: Path, blend: str) -> Take:
        """Go on with a copy of a take that nobody works on; the take as it is then. Waits for the disk.

        Args:
            folder: of the copy.
            blend: the name of the file that it belongs to from now on.
        """
        if take.folder in self._resting:
            self._resting.remove(take.folder)
            self._resting.add(folder)
        return self._takes.adopt(take, folder, blend)

    def take(self, folder: Path) -> Take | None:
        return self._takes.get(folder)

    @property
    def working(self) -> bool:
        """Whether anything is going on."""
        return bool(self._runners) or not self._takes.settled

    @property
    def trouble(self) -> BaseException | None:
        """Why takes cannot be kept on disk, where they cannot."""
        return self._takes.trouble

    @property
    def pending(self) -> bool:
        """Whether a job wants the engine."""
        return any(job.state in ("waiting", "sent") for job in self.jobs())

    def advance(self, engine: Engine | None, name: str, workers: int) -> None:
        """See how the jobs stand, and send those whose turn it is.

        Args:
            engine: ready or starting; None: there is none.
            name: the engine's, as of ``Take.engine``; ``HERE`` alone where a local one is not started.
            workers: so many jobs it does at once.
        """
        self._engine = name
        self._takes.look()
        for folder, runner in list(self._runners.items()):
            self._see(self._takes[folder], runner)
        if engine is None:
            return
        for job in self.jobs():
            if job.state == "sent" or (job.state == "waiting" and self._active() < workers):
                self._start(job.take, engine)

    def cancel(self, folder: Path) -> None:
        """End a job; the engine is told, if it has it."""
        runner, take = self._working_on(folder), self._takes[folder]
        if runner is not None:
            runner.cancel()
        elif take.state in ("waiting", "sent"):
            self._takes.set(replace(take, state="cancelled", key=fresh_key(), job=""))

    def order(self, folder: Path, order: Order) -> bool:
        """Ask something of the engine that has a job; False: none has it now."""
        runner = self._working_on(folder)
        if runner is not None:
            runner.order(order)
        return runner is not None

    def retry(self, folder: Path) -> None:
        """Go on with a job where it stopped; one that the engine has ended begins anew."""
        runner, take = self._working_on(folder), self._takes[folder]
        if runner is not None:
            return
        self._resting.discard(folder)
        if self._job(take).state == "elsewhere":
            take = replace(take, key=fresh_key(), job="")
        self._takes.keep_shot(take)
        self._takes.set(replace(take, state="sent" if take.job else "waiting", error=""))

    def move(self, folder: Path, down: bool) -> None:
        """Change places with the next job that still waits, or the one before."""
        waiting = [job.take for job in self.jobs() if job.movable]
        index = [take.folder for take in waiting].index(folder)
        other = index + (1 if down else -1)
        if 0 <= other < len(waiting):
            a, b = waiting[index], waiting[other]
            self._takes.set(replace(a, place=b.place))
            self._takes.set(replace(b, place=a.place))

    def mark(self, folder: Path, **changes) -> None:
        """Note something of a take: ``imported``, ``pinned``, ``error``."""
        self._takes.set(replace(self._takes[folder], **changes))

    def remove(self, folder: Path) -> None:
        """Forget a take that nobody works on, and remove its files for good."""
        if self._working_on(folder) is None:
            self._resting.discard(folder)
            self._takes.remove(folder)

    def move_to_trash(self, folder: Path) -> None:
        """Forget a take that nobody works on; its files go to the trash, which is waited for.

        Raises:
            SceneError: they cannot; the take stays.
        """
        if self._working_on(folder) is None:
            self._takes.move_to_trash(folder)
            self._resting.discard(folder)

    def close(self) -> None:
        """Let the engines go on alone, tell them what is cancelled, and wait until everything is on disk."""
        ending = [(folder, runner) for folder, runner in self._runners.items() if not runner.leave()]
        end = time.monotonic() + _FAREWELL_SECONDS
        for folder, runner in ending:
            runner.wait(max(end - time.monotonic(), 0))
            self._see(self._takes[folder], runner)
        self._takes.close()

    def _job(self, take: Take) -> Job:
        runner = self._runners.get(take.folder)
        if runner is not None:
            snapshot = runner.snapshot()
            return Job(take, snapshot.state, snapshot)
        state = take.state
        if take.folder in self._resting:
            state = "resting"
        elif state == "sent" and not self._is_with_engine(take):
            state = "elsewhere"
        return Job(take, state, JobSnapshot(error=take.error))

    def _is_with_engine(self, take: Take) -> bool:
        """Whether the chosen engine has it; of the local ones, which it will be shows when it is started."""
        return take.engine == self._engine or (self._engine == HERE and take.engine.startswith(HERE))

    def _active(self) -> int:
        """Jobs that keep the engine busy."""
        return sum(runner.snapshot().state != "fetching" for runner in self._runners.values())

    def _start(self, take: Take, engine: Engine) -> None:
        if take.folder in self._runners or self._takes.writes_shot(take.folder):
            return
        if not take.job:
            self._takes.set(replace(take, engine=self._engine))
        runner = JobRunner(engine, take.read_shot, take.folder, take.key, take.job, self._patience)
        self._runners[take.folder] = runner
        runner.start()

    def _working_on(self, folder: Path) -> JobRunner | None:
        """Who works on a take; an end that ``jobs`` shows and ``advance`` has not seen yet is seen here."""
        runner = self._runners.get(folder)
        if runner is not None and runner.snapshot().over:
            self._see(self._takes[folder], runner)
        return self._runners.get(folder)

    def _see(self, take: Take, runner: JobRunner) -> None:
        """Note in a take how its job stands; a runner whose job is over is done with."""
        snapshot = runner.snapshot()
        if snapshot.over:
            del self._runners[take.folder]
        if (noted := snapshot.noted(take)) != take:
            self._takes.set(noted)
