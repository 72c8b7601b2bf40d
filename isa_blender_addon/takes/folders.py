"""Where the takes of a scene lie."""

import contextlib
import os
from pathlib import Path

import bpy

from isa_engine.errors import SceneError, reason
from isa_engine.out_folder import why_closed

from ..preferences.folders import takes_folder


def output_folder(scene, blend: str | Path | None = None) -> Path:
    """The scene's output folder; that of an unsaved file is in the cache, which outlives Blender.

    Args:
        blend: the file beside which it is; by default the open one.
    """
    blend = blend or bpy.data.filepath
    folder = chosen_folder(scene)
    if folder.startswith("//") and not blend:
        return unsaved_folder(scene)
    return Path(os.path.realpath(bpy.path.abspath(folder, start=os.path.dirname(blend))))


def chosen_folder(scene) -> str:
    """As Blender writes paths. One that is not whole is beside the file, as everybody who types it means it,
    and not where the shell stood when Blender was started."""
    folder = os.path.expanduser(scene.isa.folder if scene.isa.folder.strip() else "//isa")
    return folder if folder.startswith("//") or os.path.isabs(folder) else f"//{folder}"


def unsaved_folder(scene) -> Path:
    """Where the scene's takes lay while its file was not saved."""
    inside = chosen_folder(scene).removeprefix("//").lstrip("/")
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
        raise _unwritable(scene, reason(error)) from error


def made_output_folder(scene) -> Path:
    """The scene's output folder, which is made where there is none.

    Raises:
        SceneError: it cannot be.
    """
    check_output(scene)
    output = output_folder(scene)
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(scene, reason(error)) from error
    return output


def check_output(scene) -> None:
    """Look whether takes can be made in the scene's output folder; nothing is made.

    Raises:
        SceneError: they cannot, as far as it tells.
    """
    if why := why_closed(output_folder(scene)):
        raise _unwritable(scene, why)


def _unwritable(scene, why: str) -> SceneError:
    problem = "the output folder '{folder}' cannot be written: {reason}"
    remedy = "Choose another one in the ISA tab, under Look."
    if not bpy.data.filepath and chosen_folder(scene).startswith("//"):
        remedy = "Save the file, or choose another cache folder in the add-on's preferences."
    return SceneError(problem, remedy=remedy, folder=output_folder(scene), reason=why)
