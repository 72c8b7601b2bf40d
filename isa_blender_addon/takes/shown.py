"""A shot's takes in its scene: which one the plate shows, and another one in its place."""

import os
from pathlib import Path

import bpy

from isa_engine.errors import SceneError
from isa_engine.geometry.tiles import along
from isa_engine.shot import Shot, read_shot

from .. import plate
from ..plate.movie import blend_relative
from ..plate.view import show_in_view
from ..settings.models import model_named
from ..settings.shot import lays_over
from .files import SHOT
from .ids import open_scenes
from .places import Places, same
from .take import Take, read_take


def shown_folder(scene) -> Path | None:
    """The folder of the take that the scene's plate shows; None where there is no plate."""
    return next((path.parent for path in plate.files(scene)), None)


def other_folder(scene) -> Path | None:
    """The folder of the take that was shown before this one; None where it is gone."""
    other = scene.isa.other_results
    folder = Path(os.path.realpath(bpy.path.abspath(other)))
    return folder if other and folder.is_dir() else None


def shown_paths() -> set[Path]:
    """All that the open .blend shows in any way, linked files too, result folders and the cast's pictures."""
    named = {path for scene in open_scenes() for path in (scene.isa.last_results, scene.isa.other_results)}
    named |= {member.picture for scene in open_scenes() for member in scene.isa.cast}
    paths = {bpy.path.abspath(path) for path in named if path} | set(bpy.utils.blend_paths(absolute=True))
    return {Path(os.path.realpath(path)) for path in paths}


def check_deletable(take: Take) -> None:
    """Raise SceneError where a take is not to be deleted: it is pinned, or this file shows it."""
    if take.pinned:
        raise SceneError("{take} is pinned", remedy="Unpin it first.", take=take.name)
    for scene in bpy.data.scenes:
        if Places(plate.files(scene)).within(take.folder):
            raise SceneError(
                "{take} is the plate of scene '{scene}'",
                remedy="Show another take first.",
                take=take.name,
                scene=scene.name,
            )
    if Places(bpy.utils.blend_paths(absolute=True)).within(take.folder):
        remedy = "Purge what is unused, or show another."
        raise SceneError("{take} is still used in this file", remedy=remedy, take=take.name)


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


def show_again(scene) -> None:
    """Show the scene's plate in the ways that it now wants; nothing where it has none.

    Raises:
        ShotError, SceneError: as ``show_results``.
    """
    last = scene.isa.last_results
    # Where all ways were taken away, nothing shows a plate any more.
    folder = shown_folder(scene) or (Path(os.path.realpath(bpy.path.abspath(last))) if last else None)
    if folder is not None and folder.is_dir():
        show_results(scene, folder)


def use_settings(scene, take: Take) -> None:
    """Give the scene the settings of a take. Of its canvas that is the detail: its shape is the camera's.

    Raises:
        SceneError: its model is not known; the scene is as it was.
    """
    model = model_named(take.settings.model)
    how = "steps", "guidance", "seed", "policy"
    choices = "one_by_one", "steering", "painted"
    for name in ("model", *how, "prompt", "negative_prompt", *choices):
        setattr(scene.isa, name, getattr(take.settings, name))
    # A take without a background has 1, which nobody chose: it stays what it is for a scene that has none.
    if take.settings.plate_scale > 1 or lays_over(scene):
        scene.isa.plate_scale = take.settings.plate_scale
    scene.isa.detail = along(min(take.settings.width, take.settings.height), model.short_side)


def _show(scene, folder: Path, shot: Shot | Take) -> None:
    before = shown_folder(scene)
    plate.import_plate(scene, folder, shot, scene.isa.plate)
    show_in_view(scene, scene.isa.view, scene.isa.opacity)
    scene.isa.last_results = blend_relative(folder)
    if before is not None and not same(before, folder):
        scene.isa.other_results = blend_relative(before)
