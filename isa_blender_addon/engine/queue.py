"""The takes that are known and the jobs that make them, in the order that the artist wants.

An engine gets as many jobs as it has workers; the rest wait here, where they can be put in another order.
Every change of a take is on disk a moment later, so that the next Blender goes on from there. The main thread
owns the queue; no method blocks but ``close``.
"""

import math
import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from isa_engine.errors import IsaError
from isa_engine.shot import Shot

from ..takes.files import discard_folder, move_folder_to_trash
from ..takes.take import HERE, Take, fresh_key, read_takes
from .jobs import Engine, JobRunner
from .orders import Order
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
    """The takes and jobs of one Blender.

    Args:
        patience: seconds that a job waits for an engine that does not answer.

    Attributes:
        trouble: why the queue cannot be kept on disk, where it cannot.
    """

    def __init__(self, patience: float = math.inf):
        self._patience = patience
        self.trouble: BaseException | None = None
        self._takes: dict[Path, Take] = {}
        self._runners: dict[Path, JobRunner] = {}
        # Shots on their way to disk; each stays in memory until it is written, for another try where that
        # fails.
        self._writing: dict[Path, Future] = {}
        self._shots: dict[Path, Shot] = {}
        self._resting: set[Path] = set()
        self._disk = ThreadPoolExecutor(1, "isa-takes")
        self._kept: list[Future] = []
        self._engine = HERE

    def add(self, take: Take, shot: Shot) -> None:
        """A new job, after the others."""
        self._shots[take.folder] = shot
        self._writing[take.folder] = self._disk.submit(take.keep_shot, shot)
        self._set(take)

    def search(self, outputs: Iterable[Path]) -> Future:
        """The takes on disk in these output folders, ``list[Take]``, for ``attach``."""
        folders = list(outputs)
        return self._disk.submit(lambda: [take for folder in folders for take in read_takes(folder)])

    def attach(self, takes: Iterable[Take]) -> None:
        """Takes that were found on disk. What an engine has is gone on with; what waits, waits for a word."""
        for take in takes:
            if take.folder not in self._takes:
                self._takes[take.folder] = take
                if take.state == "waiting":
                    self._resting.add(take.folder)

    def jobs(self) -> list[Job]:
        """What is not done, in order."""
        unfinished = [take for take in self._takes.values() if take.state != "done"]
        return [self._job(take) for take in sorted(unfinished, key=lambda take: take.place)]

    def arrived(self) -> list[Take]:
        """Takes whose plates are here and have not come to a scene yet, oldest first."""
        return [take for take in self._takes.values() if take.state == "done" and not take.imported]

    def takes(self, shot_id: str) -> list[Take]:
        """A shot's takes that have a plate: pinned ones first, then the newest."""
        found = [take for take in self._takes.values() if take.shot_id == shot_id and take.state == "done"]
        return sorted(found, key=lambda take: (not take.pinned, -take.created))

    def lying_in(self, output: Path, shot_id: str) -> list[Take]:
        """A shot's takes in an output folder that nobody works on, so that they can be moved."""
        # A file that is being written has another name until it is whole, and a copy would miss it.
        self._disk.submit(lambda: None).result()
        return [
            take
            for take in self._takes.values()
            if take.shot_id == shot_id
            and take.folder.parent == output
            and self._working_on(take.folder) is None
            and take.folder not in self._writing
        ]

    def adopt(self, take: Take, folder: Path, blend: str) -> Take:
        """Go on with a copy of a take of ``lying_in``; the take as it is then.

        Args:
            folder: of the copy.
            blend: the name of the file that it belongs to from now on.
        """
        moved, resting = replace(take, folder=folder, blend=blend), take.folder in self._resting
        if take.folder in self._shots:
            self._shots[folder] = self._shots[take.folder]
        self._forget(take.folder)
        if resting:
            self._resting.add(folder)
        self._set(moved)
        # After this wait nothing more is written into the old folder, which can go.
        self._disk.submit(lambda: None).result()
        return moved

    def take(self, folder: Path) -> Take | None:
        return self._takes.get(folder)

    @property
    def working(self) -> bool:
        """Whether anything is going on."""
        return bool(self._runners or self._writing or self._kept)

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
        self._see_disk()
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
            self._set(replace(take, state="cancelled", key=fresh_key(), job=""))

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
        if folder in self._shots and folder not in self._writing:
            self._writing[folder] = self._disk.submit(take.keep_shot, self._shots[folder])
        self._set(replace(take, state="sent" if take.job else "waiting", error=""))

    def move(self, folder: Path, down: bool) -> None:
        """Change places with the next job that still waits, or the one before."""
        waiting = [job.take for job in self.jobs() if job.movable]
        index = [take.folder for take in waiting].index(folder)
        other = index + (1 if down else -1)
        if 0 <= other < len(waiting):
            a, b = waiting[index], waiting[other]
            self._set(replace(a, place=b.place))
            self._set(replace(b, place=a.place))

    def mark(self, folder: Path, **changes) -> None:
        """Note something of a take: ``imported``, ``pinned``, ``error``."""
        self._set(replace(self._takes[folder], **changes))

    def remove(self, folder: Path) -> None:
        """Forget a take that nobody works on, and remove its files for good."""
        if self._working_on(folder) is None:
            self._disk.submit(discard_folder, folder)
            self._forget(folder)

    def move_to_trash(self, folder: Path) -> None:
        """Forget a take that nobody works on; its files go to the trash, which is waited for.

        Raises:
            SceneError: they cannot; the take stays.
        """
        if self._working_on(folder) is None:
            self._disk.submit(move_folder_to_trash, folder).result()
            self._forget(folder)

    def _forget(self, folder: Path) -> None:
        for known in (self._takes, self._shots, self._writing):
            known.pop(folder, None)
        self._resting.discard(folder)

    def close(self) -> None:
        """Let the engines go on alone, tell them what is cancelled, and wait until everything is on disk."""
        for runner in self._runners.values():
            runner.leave()
        end = time.monotonic() + _FAREWELL_SECONDS
        for folder, runner in list(self._runners.items()):
            if not runner.left:
                runner.wait(max(end - time.monotonic(), 0))
                self._see(self._takes[folder], runner)
        self._disk.shutdown()

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
        if take.folder in self._runners or take.folder in self._writing:
            return
        if not take.job:
            self._set(replace(take, engine=self._engine))
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
        """Note what has become of a job."""
        snapshot = runner.snapshot()
        if snapshot.job and snapshot.job != take.job:
            take = replace(take, state="sent", job=snapshot.job)
        elif take.job and not snapshot.job:
            take = replace(take, key=fresh_key(), job="")
        if snapshot.over:
            del self._runners[take.folder]
            take = replace(take, state=snapshot.state, error=snapshot.error)
        if take != self._takes[take.folder]:
            self._set(take)

    def _see_disk(self) -> None:
        """Notice shots that are written, and what could not be."""
        for folder, writing in list(self._writing.items()):
            if not writing.done():
                continue
            del self._writing[folder]
            try:
                writing.result()
                del self._shots[folder]
            except IsaError as error:
                # On disk it is English: who reads it there may have another language.
                self._set(replace(self._takes[folder], state="failed", error=str(error)))
        unfinished = []
        for kept in self._kept:
            if not kept.done():
                unfinished.append(kept)
                continue
            self.trouble = kept.exception()
        self._kept = unfinished

    def _set(self, take: Take) -> None:
        self._takes[take.folder] = take
        self._kept.append(self._disk.submit(take.keep))
