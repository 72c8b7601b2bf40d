"""The id of a scene's shot: a random name that its takes carry, so that they are found after a renaming.

The file remembers it from its first plate or saving on. Until then, and after a crash, the takes beside the
file are known by the names of the file and the scene. Undo does not know of it.

A copy of a scene comes with the original's shot written in it. While the file is open the two are told apart
by Blender's own number of a scene, ``session_uid``: whoever had the shot first keeps it, and it is taken from
the copy, which never had a take, as soon as that is noticed: autosaves and the last session hold it so, too.
"""

import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bpy

from ..blender.events import Listeners, call_off, call_soon
from ..plate import files
from .folders import output_folder, unsaved_folder
from .take import Take

# Ids by the session_uid of their scenes. Entries of deleted scenes stay, for undo brings a scene back.
_ids: dict[int, str] = {}


def shot_id_of(scene) -> str:
    """The id of the scene's shot, for new takes."""
    return known_shot_id(scene) or _ids.setdefault(scene.session_uid, uuid.uuid4().hex)


def known_shot_id(scene) -> str:
    """The id of the scene's shot; empty where it never had a take."""
    _read()
    return _ids.get(scene.session_uid, "")


def scene_of(take: Take):
    """The open scene that a take is of, or None."""
    return next((scene for scene in bpy.data.scenes if known_shot_id(scene) == take.shot_id), None)


def take_places(scene) -> set[Path]:
    """Folders that may hold takes of the scene: where new ones go, and where the shown one lies."""
    shown = {movie.parent.parent for movie in files(scene)}
    return {output_folder(scene), unsaved_folder(scene), *shown}


def own_takes(scene, found: Iterable[Take]) -> list[Take]:
    """Those that are the scene's, whose shot is known from then on."""
    found = list(found)
    if not known_shot_id(scene) and bpy.data.filepath:
        names = Path(bpy.data.filepath).name, scene.name
        # A copy may have the name now that the original had.
        others = set(_ids.values())
        alike = [take for take in found if (take.blend, take.scene) == names and take.shot_id not in others]
        if alike:
            _ids[scene.session_uid] = max(alike, key=lambda take: take.created).shot_id
    shot_id = known_shot_id(scene)
    return [take for take in found if shot_id and take.shot_id == shot_id]


def open_scenes() -> Any:
    """The scenes of the open file, each with ``isa``."""
    return bpy.data.scenes


def _read() -> None:
    """Note the shots that are written in scenes not seen before, unless another scene has them."""
    for scene in open_scenes():
        if scene.isa.shot and scene.session_uid not in _ids and scene.isa.shot not in _ids.values():
            _ids[scene.session_uid] = scene.isa.shot


def _write(*_) -> None:
    for scene in open_scenes():
        if scene.is_editable:
            scene.isa.shot = known_shot_id(scene)


def _renew(*_) -> None:
    """Take from copies what they have of their originals."""
    for scene in open_scenes():
        if scene.is_editable and scene.isa.shot and scene.isa.shot != known_shot_id(scene):
            scene.isa.shot = known_shot_id(scene)


# How many scenes there were when they were last looked through.
_scenes = 0


def _on_change(*_) -> None:
    global _scenes
    if len(bpy.data.scenes) != _scenes:
        _scenes = len(bpy.data.scenes)
        call_soon(_renew)


def _forget(*_) -> None:
    # Another file's scenes may have the same numbers.
    _ids.clear()
    # At once: a scene that is copied before the first look would have the original's id and pass for it.
    _read()


_LISTENERS = Listeners(
    save_pre=_write,
    load_post=_forget,
    depsgraph_update_post=_on_change,
    undo_post=_renew,
    redo_post=_renew,
)


def register() -> None:
    _LISTENERS.register()


def unregister() -> None:
    _LISTENERS.unregister()
    call_off(_renew)
    _ids.clear()
