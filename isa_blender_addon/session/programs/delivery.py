"""The plate's people with alpha, for other programs; the engine of this machine writes them."""

import shutil
from pathlib import Path

import bpy

from isa_engine.errors import Cancelled, EngineError, SceneError, reason
from isa_engine.results.files import PEOPLE

from ...engine.command import RunningCommand
from ...engine.process import find_python
from ...engine.work_folder import work_folder
from ...preferences.choices import preferences
from .under_way import UnderWay


class Delivery:
    """On its way. Nothing blocks but ``wait``.

    Args:
        python: of the engine.
        results: folder with ``plate.mp4`` and ``matte.mp4``.
        kind: key of ``results.files.PEOPLE``.

    Attributes:
        out: the movie, or the pictures' folder, once it is whole.
        command: at work; when cancelled, what stood in its place before stays.

    Raises:
        EngineError: the engine cannot be started.
    """

    def __init__(self, python: str, results: Path, kind: str):
        self.out = results / PEOPLE[kind]
        arguments = "deliver", results, "--as", kind, "--out", self.out
        try:
            with work_folder("isa-deliver-") as self._folder:
                self.command = RunningCommand(python, *arguments, log=self._folder / "log")
        except OSError as error:
            raise EngineError(
                "the engine cannot be started: {reason}",
                where="{python}",
                remedy="Check the engine's Python in the add-on's preferences.",
                reason=reason(error),
                python=python,
            ) from error

    def wait(self) -> Path:
        """Wait for its end; ``out``.

        Raises:
            Cancelled, EngineError: as of ``RunningCommand.wait``.
        """
        try:
            self.command.wait()
        except (Cancelled, EngineError):
            _remove(self.out.with_name(f"{self.out.name}.part"))
            raise
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
        return self.out


under_way = UnderWay[Delivery]()


def begin(scene, kind: str) -> Delivery:
    """Begin with the plate that the scene shows; it is ``under_way`` then.

    Raises:
        SceneError: there is none.
        EngineError: there is no engine on this machine, or it cannot be started.
    """
    results = scene.isa.last_results
    if not results:
        raise SceneError("the scene has no plate yet", remedy="Generate or import one.")
    python = find_python(preferences().engine_python)
    if not python:
        remedy = "Run install/engine.sh, or isa-engine deliver where the engine is."
        raise EngineError("people with alpha are written by an engine on this machine", remedy=remedy)
    return under_way.begin(Delivery(python, Path(bpy.path.abspath(results)).absolute(), kind))


def _remove(partial: Path) -> None:
    if partial.is_dir():
        shutil.rmtree(partial, ignore_errors=True)
    else:
        partial.unlink(missing_ok=True)
