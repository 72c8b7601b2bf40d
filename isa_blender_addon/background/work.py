"""The background of a shot while it is being made, in a Blender of its own."""

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

import bpy
import numpy as np

from isa_engine.errors import SceneError
from isa_engine.shot import Character, Shot
from isa_engine.whole_file import whole_file

from ..engine.process import kill_tree, last_line, process_options
from ..language.translation import reported
from ..preferences.folders import backgrounds_folder
from ..scene.timeline import frame_shape
from .set_digest import set_digest
from .source import QUICK_SAMPLES, footage_files, footage_numbers, hidden_objects

_PAINT = Path(__file__).with_name("paint.py")
_PREFIX = "isa-background-"
# Bytes; with fewer the disk is full.
_ROOM = 2**20


@dataclass(frozen=True)
class Job:
    """What ``paint.py`` is told.

    Attributes:
        out: the movie, in a folder for nothing else.
        size: of the canvas, which covers the frame exactly.
        frame_shape: of the camera's frame, in square units.
        numbers: of the frames: the scene's, or the footage's, the first being 0.
        files: the footage.
        blend: a copy of the scene's file, where it is rendered.
        scene: its name.
        hidden: ``(name, place of its library's file)`` of objects that are not there.
        unseen: of those that are there, and that the camera does not see.
        pixel_aspect: at which the canvas has the frame's shape.
        samples: of Cycles; 0: the scene's own engine as it is set.
        use_scripts: whether the artist lets this file's scripts run.
        depth: whether it is also told how far away is what a frame shows, in a file beside the movie.
        metre: metres of a unit of the scene.
    """

    out: str
    size: tuple[int, int]
    frame_shape: tuple[float, float]
    numbers: list[int]
    files: list[str]
    blend: str = ""
    scene: str = ""
    hidden: tuple[tuple[str, str], ...] = ()
    unseen: tuple[tuple[str, str], ...] = ()
    pixel_aspect: tuple[float, float] = (1.0, 1.0)
    samples: int = 0
    use_scripts: bool = False
    depth: bool = False
    metre: float = 1.0


class Work:
    """A background on its way; no method blocks.

    Args:
        job: for a folder of its own.
        kept: where the movie is kept; one that lies there already is taken as it is.

    Attributes:
        done, total: frames rendered.
        shadows: whether it shows the cast's shadows.
        depth: as of ``Shot.background_depth``, once it is there.
    """

    def __init__(self, job: Job, kept: Path):
        self.done, self.total = 0, len(job.numbers)
        self.shadows = bool(job.unseen)
        self.depth: np.ndarray | None = None
        self._out, self._kept, self._with_depth = Path(job.out), kept, job.depth
        self._process: subprocess.Popen | None = None
        if not _there(kept, job):
            self._start(job)

    def _start(self, job: Job) -> None:
        description, self._log = self._out.with_name("job.json"), self._out.with_name("log")
        description.write_text(json.dumps(asdict(job)), encoding="utf-8")
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
                if self._with_depth:
                    _keep(_depth_of(self._out), _depth_of(self._kept))
                _keep(self._out, self._kept)
            movie = self._kept.read_bytes()
            self.depth = np.load(_depth_of(self._kept)) if self._with_depth else None
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


def _keep(made: Path, kept: Path) -> None:
    """Move a file to the cache, which may lie on another drive: half of it would be taken for the whole."""
    with whole_file(kept) as partial:
        shutil.move(made, partial)


def is_own_copy(blend: str) -> bool:
    """Whether a save to this file is that of a copy to render a background from."""
    return Path(blend).parent.name.startswith(_PREFIX)


def begin(scene, shot: Shot, metre: float) -> Work | None:
    """Begin with a shot's background, or find the one that was made before; None where there is to be none.

    Where depth steers the shot's model, that of a rendered one comes along.

    A rendered one is taken for the same frames of the same set (``set_digest``) under the same camera, and
    where it shows the cast's shadows for the same motion of theirs, until the artist wants another
    (``scene.isa.background_version``).

    Args:
        metre: metres of a unit of the scene (``scene.capture``).

    Raises:
        SceneError: the footage cannot be used, or the disk is full.
    """
    kind = scene.isa.background
    if kind == "NONE":
        return None
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    try:
        job = _job(scene, shot, folder, metre)
        kept = _kept(scene, shot, job)
        if job.blend and not _there(kept, job):
            bpy.ops.wm.save_as_mainfile(
                filepath=job.blend, copy=True, relative_remap=True, compress=False, check_existing=False
            )
        return Work(job, kept)
    except (OSError, RuntimeError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        reason = reported(error) if isinstance(error, RuntimeError) else error.strerror
        raise SceneError(
            "the background cannot be begun: {reason}",
            remedy="Free some space in {folder}.",
            reason=reason,
            folder=folder.parent,
        ) from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _job(scene, shot: Shot, folder: Path, metre: float) -> Job:
    settings = shot.settings
    size, shape = (settings.width, settings.height), frame_shape(scene)
    out = str(folder / "background.mp4")
    if scene.isa.background == "FOOTAGE":
        numbers = footage_numbers(scene, shot.frame_numbers)
        return Job(out, size, shape, numbers, footage_files(scene))
    across, up = shape[0] / size[0], shape[1] / size[1]
    hidden, unseen = hidden_objects(scene)
    return Job(
        out,
        size,
        shape,
        shot.frame_numbers.tolist(),
        [],
        blend=str(folder / "scene.blend"),
        scene=scene.name,
        hidden=_names(hidden),
        unseen=_names(unseen),
        pixel_aspect=(across / min(across, up), up / min(across, up)),
        samples=QUICK_SAMPLES if scene.isa.background_quick else 0,
        use_scripts=not bpy.app.autoexec_fail,
        depth=settings.steering == "depth",
        metre=metre,
    )


def _kept(scene, shot: Shot, job: Job) -> Path:
    """Where the movie of this job is kept: a file named by a digest of all that is known to change it."""
    # Who is not there is told by the set that is: a plate that has come since is no part of it.
    told = {**asdict(job), "out": "", "blend": bpy.data.filepath, "hidden": (), "unseen": bool(job.unseen)}
    told["changed"] = [os.stat(file).st_mtime_ns for file in job.files]
    if job.blend:
        gone = {item for items in hidden_objects(scene) for item in items}
        told["version"], told["set"] = scene.isa.background_version, set_digest(scene, gone)
        if job.unseen:
            told["cast"] = [_motion(character) for character in shot.characters]
        told["cameras"] = [*shot.camera_to_world.ravel().tolist(), *shot.intrinsics.ravel().tolist()]
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    return backgrounds_folder() / f"{digest.hexdigest()[:32]}.mp4"


def _there(movie: Path, job: Job) -> bool:
    return movie.is_file() and (not job.depth or _depth_of(movie).is_file())


def _depth_of(movie: Path) -> Path:
    return movie.with_suffix(".npy")


def _names(items: list) -> tuple[tuple[str, str], ...]:
    return tuple((item.name, _place(item.library) if item.library else "") for item in items)


def _place(library) -> str:
    return os.path.realpath(bpy.path.abspath(library.filepath, library=library.parent))


def _motion(character: Character) -> str:
    """SHA-256 of where a character is and whether it is shown, over all frames."""
    return hashlib.sha256(character.points.tobytes() + character.visible.tobytes()).hexdigest()


def _blender() -> list[str]:
    """The command that runs ``paint.py`` in a Blender like this one, less its argument."""
    # Empty in Blender's Python module.
    if not bpy.app.binary_path:
        return [sys.executable, str(_PAINT)]
    return [bpy.app.binary_path, "-b", "-noaudio", "--python", str(_PAINT), "--"]
