"""The plate's people with alpha, for other programs; the engine of this machine writes them."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import bpy

from isa_engine.errors import Cancelled, EngineError, IsaError, SceneError

from ..engine.process import clean_environment, find_python, kill_tree, last_line, process_options
from ..preferences.choices import preferences

_COMMAND = ("-P", "-m", "isa_engine.cli", "deliver")
# Names that `isa-engine deliver` gives its files.
_NAMES = {"prores": "people.mov", "png": "people_png", "exr": "people_exr"}
_PREFIX = "isa-engine: "


class Delivery:
    """On its way. Nothing blocks but ``wait``.

    Args:
        python: of the engine.
        results: folder with ``plate.mp4`` and ``matte.mp4``.
        kind: of ``isa-engine deliver``.

    Attributes:
        out: the movie, or the pictures' folder, once it is whole.

    Raises:
        EngineError: the engine cannot be started.
    """

    def __init__(self, python: str, results: Path, kind: str):
        self.out = results / _NAMES[kind]
        self._cancelled = False
        handle, log = tempfile.mkstemp(prefix="isa-deliver-")
        self._log = Path(log)
        try:
            self._process = subprocess.Popen(
                [python, *_COMMAND, results, "--as", kind, "--out", self.out],
                stdin=subprocess.DEVNULL,
                stdout=handle,
                stderr=handle,
                env=clean_environment(os.environ),
                **process_options(sys.platform),
            )
        except OSError as error:
            self._log.unlink()
            raise EngineError(
                "the engine cannot be started: {reason}",
                where="{python}",
                remedy="Check the engine's Python in the add-on's preferences.",
                reason=error.strerror,
                python=python,
            ) from error
        finally:
            os.close(handle)

    @property
    def over(self) -> bool:
        return self._process.poll() is not None

    def cancel(self) -> None:
        """End it; what stood in its place before stays."""
        self._cancelled = True
        if not self.over:
            kill_tree(self._process, sys.platform)

    def wait(self) -> Path:
        """Wait for its end; ``out``.

        Raises:
            Cancelled: the artist did not want it any more.
            EngineError: it was not written, and why.
        """
        self._process.wait()
        said = last_line(self._log).removeprefix(_PREFIX)
        self._log.unlink(missing_ok=True)
        if not self._process.returncode:
            return self.out
        _remove(self.out.with_name(f"{self.out.name}.part"))
        if self._cancelled:
            raise Cancelled
        raise EngineError(said or "the engine ended without a word")


def begin(scene, kind: str) -> Delivery:
    """Begin with the plate that the scene shows.

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
    return Delivery(python, Path(bpy.path.abspath(results)).absolute(), kind)


# One at a time, so that the panel's one Cancel means it.
_current: Delivery | None = None


def current() -> Delivery | None:
    """What is being written."""
    return _current


def start(scene, kind: str) -> None:
    """``begin`` what ``current`` is then."""
    global _current
    _current = begin(scene, kind)


def finish() -> Path:
    """Wait for the end of what is being written; as ``Delivery.wait``."""
    global _current
    ended, _current = _current, None
    return ended.wait()


def close() -> None:
    """End what is being written, and leave nothing half."""
    if _current is not None:
        _current.cancel()
        with contextlib.suppress(Cancelled, IsaError):
            finish()


def _remove(partial: Path) -> None:
    if partial.is_dir():
        shutil.rmtree(partial, ignore_errors=True)
    else:
        partial.unlink(missing_ok=True)
