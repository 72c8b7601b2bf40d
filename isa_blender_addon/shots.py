"""Which shot a scene is: a random name that its takes carry, so that they are found after a renaming.

The file remembers it from its first plate or saving on. Until then, and after a crash, the takes beside the
file are known by the names of the file and the scene. Undo does not know of it.
"""

import uuid
from collections.abc import Iterable
from pathlib import Path

import bpy
from bpy.app.handlers import persistent

from .engine.take import Take
from .folders import output_folder, unsaved_folder
from .plate import files

# Of the scenes that are open, by their numbers.
_shots: dict[int, str] = {}


def shot_of(scene) -> str:
    """The scene's shot, for new takes."""
    return _shots.setdefault(scene.session_uid, scene.isa.shot or uuid.uuid4().hex)


def known_shot(scene) -> str:
    """The scene's shot; empty where it never had a take."""
    return _shots.get(scene.session_uid, scene.isa.shot)


def scene_of(take: Take):
    """The open scene that a take is of, or None."""
    scenes = [scene for scene in bpy.data.scenes if known_shot(scene) == take.shot]
    return next((scene for scene in scenes if scene.name == take.scene), next(iter(scenes), None))


def take_places(scene) -> set[Path]:
    """Folders that may hold takes of the scene: where new ones go, and where the shown one lies."""
    shown = {movie.parent.parent for movie in files(scene)}
    return {output_folder(scene), unsaved_folder(scene), *shown}


def own_takes(scene, found: Iterable[Take]) -> list[Take]:
    """Those that are the scene's, whose shot is known from then on."""
    found = list(found)
    if not known_shot(scene) and bpy.data.filepath:
        names = Path(bpy.data.filepath).name, scene.name
        alike = [take for take in found if (take.blend, take.scene) == names]
        if alike:
            _shots[scene.session_uid] = max(alike, key=lambda take: take.created).shot
    shot = known_shot(scene)
    return [take for take in found if shot and take.shot == shot]


@persistent
def _write(*_) -> None:
    for scene in bpy.data.scenes:
        if scene.is_editable and scene.session_uid in _shots:
            scene.isa.shot = _shots[scene.session_uid]  # type: ignore[attr-defined]


@persistent
def _forget(*_) -> None:
    # Another file's scenes may have the same numbers.
    _shots.clear()


def register() -> None:
    bpy.app.handlers.save_pre.append(_write)
    bpy.app.handlers.load_post.append(_forget)


def unregister() -> None:
    bpy.app.handlers.load_post.remove(_forget)
    bpy.app.handlers.save_pre.remove(_write)
    _shots.clear()
