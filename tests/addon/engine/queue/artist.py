"""Whoever has takes made, and what they do with the queue."""

from dataclasses import replace
from pathlib import Path

from isa_blender_addon.engine.queue import JobQueue
from isa_blender_addon.takes.take import Take, read_take
from isa_engine.shot import Settings
from tests.addon.phased_engine import PHASES
from tests.service.running import eventually
from tests.shot.shots import small_shot

THROUGH = len(PHASES)
DENOISE = PHASES.index("denoise")


class Artist:
    """A queue with an engine, and what one does with it."""

    def __init__(self, folder: Path, engine, name: str = "gpu", workers: int = 1):
        self.queue, self.folder, self.engine = JobQueue(), folder, engine
        self.name, self.workers = name, workers

    def generate(self, name: str, phase: int = THROUGH) -> Path:
        folder = self.folder / name
        folder.mkdir(parents=True)
        settings = Settings(seed=phase)
        shot = replace(small_shot(), background=None, settings=settings)
        self.queue.add(Take(folder, "shot", "a.blend", "Scene", (1, 9, 1), settings), shot)
        return folder

    def states(self) -> dict[str, str]:
        self.queue.advance(self.engine, self.name, self.workers)
        return {job.take.name: job.state for job in self.queue.jobs()}

    def job(self, folder: Path):
        self.states()
        return next((job for job in self.queue.jobs() if job.take.folder == folder), None)

    def until(self, folder: Path, state: str):
        return eventually(lambda: (j := self.job(folder)) and j.state == state and j, f"it is {state}")

    def until_in(self, folder: Path, phase: str):
        return eventually(
            lambda: (j := self.job(folder)) and j.snapshot.phase == phase and j, f"it is in {phase}"
        )

    def until_sent(self, folder: Path) -> Take:
        """The take, once the note that the engine has it is on disk."""
        self.until_in(folder, "denoise")
        return eventually(lambda: self.states() and (t := read_take(folder)).job and t, "the note is kept")

    def until_done(self, folder: Path) -> Take:
        def done():
            self.states()
            return (take := self.queue.take(folder)).state == "done" and take

        return eventually(done, "the plate is there")

    def crash(self) -> None:
        """Blender goes without a word: nothing is told to anyone, and what runs stops."""
        for runner in self.queue._runners.values():
            runner.leave()


def let_go(service, take: Take) -> None:
    """A job that stays in a phase goes on."""
    (Path(service.data) / "jobs" / take.job / "go").touch()
