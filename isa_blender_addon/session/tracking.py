"""People of a video on their way into the scene: the detector's environment follows and poses them."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from isa_engine.client.location import python_of
from isa_engine.errors import Cancelled, EngineError

from ..engine.process import clean_environment, kill_tree, last_line, process_options

_COMMAND = ("-P", "-m", "isa_engine.cli", "track")
_PREFIX = "isa-engine: "
VIDEOS = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi")


class Tracking:
    """On its way. Nothing blocks but ``wait``.

    Args:
        video: its path.

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
        self._cancelled = False
        self._folder = Path(tempfile.mkdtemp(prefix="isa-track-"))
        self._log = self._folder / "log"
        try:
            with open(self._log, "wb") as log:
                self._process = subprocess.Popen(
                    [python, *_COMMAND, video, "--out", self._folder],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=clean_environment(os.environ) | {"ISA_DETECTOR_PYTHON": python},
                    **process_options(sys.platform),
                )
        except OSError as error:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise EngineError(
                "the detector cannot be started: {reason}",
                where="{python}",
                remedy="Run install/detector.sh again.",
                reason=error.strerror,
                python=python,
            ) from error

    @property
    def over(self) -> bool:
        return self._process.poll() is not None

    @property
    def progress(self) -> tuple[str, int, int]:
        """What is done ("seen", then "posed"), how much of it, and of how much; of 0 while nobody knows."""
        try:
            what, done, of = last_line(self._log).split()
            return what, int(done), int(of)
        except ValueError:
            return "seen", 0, 0

    def cancel(self) -> None:
        """End it, and whatever it started."""
        self._cancelled = True
        if not self.over:
            kill_tree(self._process, sys.platform)

    def wait(self) -> Path:
        """Wait for its end; the file with the tracks, in a folder that ``forget`` removes.

        Raises:
            Cancelled: the artist did not want it any more.
            EngineError: nobody was found, or it failed, and why.
        """
        self._process.wait()
        if not self._process.returncode:
            return self._folder / "detected.npz"
        said = last_line(self._log).removeprefix(_PREFIX)
        self.forget()
        if self._cancelled:
            raise Cancelled
        raise EngineError(said or "the detector ended without a word")

    def forget(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


# One at a time, so that the panel's one Cancel means it.
_current: Tracking | None = None


def current() -> Tracking | None:
    """Whom a video is being looked through for."""
    return _current


def start(video: Path) -> Tracking:
    """Begin; it is ``current`` until ``finish``."""
    global _current
    _current = Tracking(video)
    return _current


def finish() -> Path:
    """Wait for the end of what goes on; as ``Tracking.wait``."""
    global _current
    ended, _current = _current, None
    return ended.wait()


def close() -> None:
    """End what goes on, and leave nothing."""
    if _current is not None:
        tracking = _current
        tracking.cancel()
        with contextlib.suppress(Cancelled, EngineError):
            finish()
        tracking.forget()
