"""Where the takes of a scene lie."""

import contextlib
import os
from pathlib import Path

import bpy

from isa_engine.errors import SceneError

from ..preferences.folders import takes_folder


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


def new_take(scene) -> Path:
    """Make the next take's folder. Takes are never overwritten: plates in other files may show them.

    Raises:
        SceneError: the output folder cannot be written.
    """
    output, name = made_output_folder(scene), bpy.path.clean_name(scene.name)
    try:
        number = 1
        while True:
            take = output / f"{name}-{number:03}"
            with contextlib.suppress(FileExistsError):
                take.mkdir()
                return take
            number += 1
    except OSError as error:
        raise _unwritable(output, error) from error


def made_output_folder(scene) -> Path:
    """The scene's output folder, which is made where there is none.

    Raises:
        SceneError: it cannot be.
    """
    output = output_folder(scene)
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(output, error) from error
    return output


def _unwritable(output: Path, error: OSError) -> SceneError:
    problem = "the output folder '{folder}' cannot be written: {reason}"
    remedy = "Choose another one in the ISA tab, under Look."
    return SceneError(problem, remedy=remedy, folder=output, reason=error.strerror)
