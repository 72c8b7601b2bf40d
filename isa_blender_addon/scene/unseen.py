"""Marks on the objects that no camera sees because generated people are laid over the render.

The mark of one from a library file is the scene's, for Blender does not save what is new on it.
"""

from .library import from_library

UNSEEN = "isa_unseen"


def unseen(item) -> bool:
    """Whether an object is marked, by itself or by a scene that it is in."""
    return bool(item.get(UNSEEN)) or any(item in _marked(scene) for scene in item.users_scene)


def mark_unseen(scene, item) -> None:
    if from_library(item):
        _keep(scene, [*_marked(scene), item])
    else:
        item[UNSEEN] = True


def unmark_unseen(item) -> None:
    if UNSEEN in item:
        del item[UNSEEN]
    for scene in item.users_scene:
        _keep(scene, [other for other in _marked(scene) if other != item])


def _marked(scene) -> list:
    """The objects whose marks the scene has, those that are still there."""
    return [mark["object"] for mark in scene.get(UNSEEN, ()) if mark["object"] is not None]


def _keep(scene, marked: list) -> None:
    if marked:
        scene[UNSEEN] = [{"object": item} for item in marked]
    elif UNSEEN in scene:
        del scene[UNSEEN]
