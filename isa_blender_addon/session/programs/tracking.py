"""People of a video on their way into the scene: the detector's environment follows and poses them."""

import shutil
from pathlib import Path

from isa_engine.client.location import python_of
from isa_engine.errors import Cancelled, EngineError, reason

from ...engine.command import RunningCommand
from ...engine.work_folder import work_folder
from .under_way import UnderWay

VIDEOS = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi")


class Tracking:
    """On its way. Nothing blocks but ``wait``.

    Args:
        video: its path.

    Attributes:
        command: at work.

    Raises:
        EngineError: no detector is installed, or it cannot be started.
    """

    def __init__(self, video: Path):
        python = python_of("detector")
        if not python:
            remedy = "Run install/detector.sh, or import what another tracker saw."
            raise EngineError(
                "people in a video are followed by the detector, which is missing", remedy=remedy
            )
        own = {"ISA_DETECTOR_PYTHON": python}
        try:
            with work_folder("isa-track-") as self._folder:
                arguments, log = ("track", video, "--out", self._folder), self._folder / "log"
                self.command = RunningCommand(python, *arguments, log=log, environment=own)
        except OSError as error:
            raise EngineError(
                "the detector cannot be started: {reason}",
                where="{python}",
                remedy="Run install/detector.sh again.",
                reason=reason(error),
                python=python,
            ) from error

    @property
    def progress(self) -> tuple[str, int, int]:
        """What is done ("seen", then "posed"), how much of it, and of how much; of 0 while nobody knows."""
        try:
            what, done, of = self.command.said.split()
            return what, int(done), int(of)
        except ValueError:
            return "seen", 0, 0

    def wait(self) -> Path:
        """Wait for its end; the file with the tracks, in a folder that ``forget`` removes.

        Raises:
            Cancelled, EngineError: as of ``RunningCommand.wait``; the latter also where nobody was found.
        """
        try:
            self.command.wait()
        except (Cancelled, EngineError):
            self.forget()
            raise
        return self._folder / "detected.npz"

    def forget(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


under_way = UnderWay[Tracking]()
