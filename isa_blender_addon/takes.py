"""A shot's takes in its scene: which one the plate shows, and another one in its place."""

from pathlib import Path

import bpy

from isa_engine.errors import SceneError
from isa_engine.shot import Shot, read_shot

from . import plate
from .engine.take import SHOT, Take, read_take
from .plate.movie import blend_relative


def shown_folder(scene) -> Path | None:
    """The folder of the take that the scene's plate shows; None where there is no plate."""
    return next((path.parent for path in plate.files(scene)), None)


def other_folder(scene) -> Path | None:
    """The folder of the take that was shown before this one."""
    other = scene.isa.other_results
    return Path(bpy.path.abspath(other)).absolute() if other else None


def show_take(scene, take: Take) -> None:
    """Let the scene's plate show a take; the one before is what it is compared with.

    Raises:
        SceneError: its plate cannot be read or shown; the scene is as it was.
    """
    _show(scene, take.folder, take)


def show_results(scene, folder: Path) -> None:
    """``show_take`` of any results folder.

    Raises:
        ShotError: the folder holds no whole shot.
        SceneError: as ``show_take``.
    """
    _show(scene, folder, read_take(folder) or read_shot(folder / SHOT))


def use_settings(scene, take: Take) -> None:
    """Give the scene the settings of a take, all but the canvas, which follows the camera's frame.

    Raises:
        SceneError: the add-on does not know its model; the scene is as it was.
    """
    for name in ("model", "steps", "guidance", "seed"):
        try:
            setattr(scene.isa, name, getattr(take.settings, name))
        except TypeError as error:
            raise SceneError(
                "this add-on has no model '{model}'",
                where="{take}",
                remedy="Update the add-on.",
                model=take.settings.model,
                take=take.name,
            ) from error


def _show(scene, folder: Path, shot: Shot | Take) -> None:
    before = shown_folder(scene)
    plate.import_plate(scene, folder, shot, scene.isa.plate)
    scene.isa.last_results = blend_relative(folder)
    if before is not None and before != folder:
        scene.isa.other_results = blend_relative(before)
