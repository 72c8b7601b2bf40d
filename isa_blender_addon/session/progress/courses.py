"""The courses of all takes that are on their way, in the order in which an engine works."""

from collections.abc import Callable
from pathlib import Path

from ...engine.chosen_engine import ChosenEngine
from ...engine.queue import Job, JobQueue
from ...takes.ids import scene_of
from ...takes.take import Take
from .course import PHASES, Course
from .expected import job_seconds, note


class Courses:
    """Follows the jobs of a queue.

    Args:
        ended: called once for a take whose plate is in its scene, or whose job has failed.
    """

    def __init__(self, queue: JobQueue, engine: ChosenEngine, ended: Callable[[Take], None]):
        self._queue, self._engine, self._ended = queue, engine, ended
        self._courses: dict[Path, Course] = {}

    def begin(self, folder: Path, course: Course) -> None:
        """A take becomes a job; its course goes on."""
        self._courses[folder] = course

    def of(self, folder: Path) -> Course | None:
        return self._courses.get(folder)

    @property
    def ahead(self) -> float:
        """Seconds until the engine has time for another take."""
        return self._ahead([course.left for course in self._courses.values()])

    def follow(self) -> None:
        """Note where each take is."""
        going_on, lefts = set(), []
        for job in self._queue.jobs():
            if not job.stopped:
                going_on.add(job.take.folder)
                lefts.append(self._reach(job, self._ahead(lefts)))
        for take in self._queue.arrived():
            if take.folder in self._courses and scene_of(take) is not None:
                going_on.add(take.folder)
                self._courses[take.folder].reach("import")
        for folder in self._courses.keys() - going_on:
            self._end(folder)

    def _reach(self, job: Job, ahead: float) -> float:
        """Note where a job is; the seconds that are left of it."""
        course = self._courses.get(job.take.folder)
        if course is None:
            # Begun by an earlier Blender, or begun again.
            scene = scene_of(job.take)
            told = self._engine.device, self._engine.memory, self._engine.ready
            expected = job_seconds(scene, *told, job.take.made) if scene else {}
            course = self._courses[job.take.folder] = Course(expected)
        where = _whereabouts(job, self._engine.ready)
        if where is not None:
            was = course.phase
            course.reach(*where, ahead=ahead if where[0] == "queue" else None)
            if was == "start" != course.phase:
                note("start", course.spent["start"], 1)
        return course.left

    def _ahead(self, lefts: list[float]) -> float:
        """Seconds until a take begins: with n at once, when all before it but n − 1 are done.

        Args:
            lefts: seconds that are left of each take before it.
        """
        before = len(lefts) - self._engine.workers
        return sorted(lefts)[before] if before >= 0 else 0.0

    def _end(self, folder: Path) -> None:
        del self._courses[folder]
        take = self._queue.take(folder)
        if take is not None and (take.imported or take.state == "failed"):
            self._ended(take)


def _whereabouts(job: Job, ready: bool) -> tuple[str, float, float] | None:
    """Phase of ``course.PHASES``, and what is done of it; None where nobody knows now."""
    now = job.snapshot
    if job.state == "lost":
        return None
    if job.state == "running":
        # An engine of another version may have phases that we do not know.
        return (now.phase, now.step, now.steps) if now.phase in PHASES else None
    if job.state == "uploading":
        return "upload", now.step, now.steps
    if job.state == "fetching":
        return "fetch", 0, 0
    return ("queue" if ready else "start"), 0, 0
