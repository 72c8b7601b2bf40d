"""The files and folders that a scene's next take reads and writes, looked at before *Generate*."""

import time

import bpy

from isa_engine.errors import SceneError

from ...background import footage_files
from ...preferences.choices import preferences
from ...preferences.folders import check_backgrounds
from ...takes.folders import check_output

# A drive that is away answers slowly, and the panel is drawn at each move of the mouse.
_SECONDS = 1.0
_looked: tuple[float, object, SceneError | None] = (-_SECONDS, None, None)


def closed_place(scene) -> SceneError | None:
    """Why the take would find no place or no footage, as of a second ago."""
    global _looked
    when, which, found = _looked
    now, chosen = time.monotonic(), _chosen(scene)
    if which != chosen or not 0 <= now - when < _SECONDS:
        found = _look(scene)
        _looked = now, chosen, found
    return found


def _chosen(scene) -> object:
    """What the artist can change in answer."""
    isa, footage = scene.isa, scene.isa.footage
    file = footage and (footage.filepath, footage.source)
    return scene.session_uid, bpy.data.filepath, isa.folder, isa.background, file, preferences().cache


def _look(scene) -> SceneError | None:
    try:
        check_output(scene)
        if scene.isa.background != "NONE":
            check_backgrounds()
        if scene.isa.background == "FOOTAGE":
            footage_files(scene)
    except SceneError as error:
        return error
    return None
