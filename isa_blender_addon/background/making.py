"""The background of a shot while a Blender of its own makes it."""

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import threading
from dataclasses import asdict
from pathlib import Path

import bpy
import numpy as np

from isa_engine.errors import SceneError
from isa_engine.shot import Shot
from isa_engine.whole_file import whole_file

from ..engine.process import kill_tree, last_line, process_options
from ..engine.work_folder import work_folder
from ..language.translation import reported
from ..preferences.folders import check_backgrounds
from .kept import kept_file, made_before
from .program.recipe import Recipe, depth_beside
from .recipe import recipe_of

_PROGRAM = Path(__file__).parent / "program" / "__main__.py"
_PREFIX = "isa-background-"
# Bytes; with fewer the disk is full.
_ROOM = 2**20


class Making:
    """A background on its way; no method blocks.

    Args:
        recipe: for a folder of its own.
        kept: where the movie is kept; one that lies there already is taken as it is.

    Attributes:
        done, total: frames rendered.
        shadows: whether it shows the cast's shadows.
        depth: as of ``Shot.background_depth``, once it is there; None of footage, and where the renderer does
            not tell it.
    """

    def __init__(self, recipe: Recipe, kept: Path):
        self.done, self.total = 0, len(recipe.numbers)
        self.shadows = bool(recipe.unseen)
        self.depth: np.ndarray | None = None
        self._out, self._kept, self._rendered = Path(recipe.out), kept, bool(recipe.blend)
        self._process: subprocess.Popen | None = None
        if not made_before(kept, recipe):
            self._start(recipe)

    def _start(self, recipe: Recipe) -> None:
        description, self._log = self._out.with_name("recipe.json"), self._out.with_name("log")
        description.write_text(json.dumps(asdict(recipe)), encoding="utf-8")
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                [*_blender(), str(description)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                **process_options(sys.platform),
            )
        threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()

    def poll(self) -> bytes | None:
        """The movie; None where it is not there yet.

        Raises:
            SceneError: it cannot be made, or not be kept.
        """
        if self._process is not None:
            status = self._process.poll()
            if status is None:
                return None
            if status or not self._out.is_file():
                problem = "the background cannot be made: Blender ended with status {status}"
                if why := last_line(self._log):
                    problem = "the background cannot be made: {why}"
                # A full disk takes no line of the log, either.
                folder, remedy = self._out.parent.parent, ""
                if shutil.disk_usage(folder).free < _ROOM:
                    remedy = "Free some space in {folder}."
                raise SceneError(problem, remedy=remedy, why=why, status=status, folder=folder)
        try:
            if self._process is not None:
                self._kept.parent.mkdir(parents=True, exist_ok=True)
                # The movie last: where it is, the other is whole.
                if self._rendered:
                    _keep(depth_beside(self._out), depth_beside(self._kept))
                _keep(self._out, self._kept)
            movie = self._kept.read_bytes()
            if self._rendered and len(depth := np.load(depth_beside(self._kept))):
                self.depth = depth
        except OSError as error:
            raise SceneError(
                "the background cannot be kept: {reason}",
                where="{file}",
                remedy="Free some space, or choose another cache folder in the add-on's preferences.",
                reason=error.strerror,
                file=self._kept,
            ) from error
        self.close()
        return movie

    def close(self) -> None:
        """End it, if it still goes on, and leave nothing behind."""
        if self._process is not None and self._process.poll() is None:
            kill_tree(self._process, sys.platform)
            self._process.wait()
        shutil.rmtree(self._out.parent, ignore_errors=True)

    def _listen(self, process: subprocess.Popen) -> None:
        with process.stdout, contextlib.suppress(ValueError):
            for line in process.stdout:
                word, _, number = line.partition(b" ")
                if word == b"isa":
                    self.done = int(number)


def begin(scene, shot: Shot, metre: float) -> Making | None:
    """Begin with a shot's background, or find the one that was made before; None where there is to be none.

    How far away a rendered one is comes along.

    A rendered one is taken for the same frames of the same set (``set_digest``) under the same camera, and
    where it shows the cast's shadows for the same motion of theirs, until the artist wants another
    (``scene.isa.background_version``).

    Args:
        metre: metres of a unit of the scene (``scene.capture``).

    Raises:
        SceneError: the footage cannot be used, the disk is full, or the cache cannot be written.
    """
    if scene.isa.background == "NONE":
        return None
    try:
        with work_folder(_PREFIX) as folder:
            recipe = recipe_of(scene, shot, folder, metre)
            kept = kept_file(scene, shot, recipe)
            if not made_before(kept, recipe):
                check_backgrounds()
                if recipe.blend:
                    _save_copy(recipe.blend)
            return Making(recipe, kept)
    except (OSError, RuntimeError) as error:
        raise SceneError(
            "the background cannot be begun: {reason}",
            remedy="Free some space in {folder}.",
            reason=reported(error) if isinstance(error, RuntimeError) else error.strerror,
            folder=tempfile.gettempdir(),
        ) from error


def _save_copy(blend: str) -> None:
    bpy.ops.wm.save_as_mainfile(
        filepath=blend, copy=True, relative_remap=True, compress=False, check_existing=False
    )


def is_own_copy(blend: str) -> bool:
    """Whether a save to this file is that of a copy to render a background from."""
    return Path(blend).parent.name.startswith(_PREFIX)


def _keep(made: Path, kept: Path) -> None:
    """Move a file to the cache, which may lie on another drive: half of it would be taken for the whole."""
    with whole_file(kept) as partial:
        shutil.move(made, partial)


def _blender() -> list[str]:
    """The command that runs ``program`` in a Blender like this one, less its argument."""
    # Empty in Blender's Python module.
    if not bpy.app.binary_path:
        return [sys.executable, str(_PROGRAM)]
    return [bpy.app.binary_path, "-b", "-noaudio", "--python", str(_PROGRAM), "--"]
