"""Where results lie on disk."""

import contextlib
import getpass
import itertools
import os
import tempfile
from pathlib import Path

import bpy

from isa_engine.errors import SceneError

from .ui.preferences import preferences


def output_folder(scene, blend: str | Path | None = None) -> Path:
    """The scene's output folder; that of an unsaved file is in the cache, which outlives Blender.

    Args:
        blend: the file beside which it is; by default the open one.
    """
    blend = blend or bpy.data.filepath
    folder = scene.isa.folder or "//isa"
    if folder.startswith("//") and not blend:
        return unsaved_folder(scene)
    return Path(os.path.realpath(bpy.path.abspath(folder, start=os.path.dirname(blend))))


def unsaved_folder(scene) -> Path:
    """Where the scene's takes lay while its file was not saved."""
    inside = (scene.isa.folder or "//isa").removeprefix("//").lstrip("/")
    return Path(os.path.realpath(takes_folder() / inside))


def cache_folder() -> Path:
    """Where the user keeps what belongs to no saved file, and what can be made again."""
    chosen = preferences().cache
    if chosen:
        return Path(bpy.path.abspath(chosen)).absolute()
    return Path(tempfile.gettempdir()) / f"isa-{_user()}"


def takes_folder() -> Path:
    """The takes of files that are not saved."""
    return cache_folder() / "takes"


def backgrounds_folder() -> Path:
    """Rendered backgrounds, and footage cut to shots."""
    return cache_folder() / "backgrounds"


def new_take(scene) -> Path:
    """Make the next take's folder. Takes are never overwritten: plates in other files may show them.

    Raises:
        SceneError: the output folder cannot be written.
    """
    output, name = output_folder(scene), bpy.path.clean_name(scene.name)
    try:
        output.mkdir(parents=True, exist_ok=True)
        for number in itertools.count(1):
            with contextlib.suppress(FileExistsError):
                take = output / f"{name}-{number:03}"
                take.mkdir()
                return take
    except OSError as error:
        problem = "the output folder '{folder}' cannot be written: {reason}"
        remedy = "Choose another one in the ISA tab, under Look."
        raise SceneError(problem, remedy=remedy, folder=output, reason=error.strerror) from error


def free(place: Path) -> Path:
    """The place, or the first like it where nothing is."""
    names = itertools.chain([place], (place.with_stem(f"{place.stem}-{n}") for n in itertools.count(2)))
    return next(name for name in names if not name.exists())


def engine_log() -> Path:
    """Where this Blender's engine writes its log."""
    return Path(bpy.app.tempdir) / "isa-engine.log"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such user in this system's list, as in containers
        return "user"
