"""The cast hidden from cameras, and still in the scene: shadows and reflections stay, and so do roles.

Generated people are laid over a render; the rigs that they were generated from would stand beside them.
"""

from isa_engine.errors import SceneError

from .animation import moving
from .belongings import belongings, belongs
from .characters import find_characters
from .unseen import mark_unseen, unmark_unseen, unseen


def take_out(scene) -> None:
    """Let no camera of a render see the cast; where the artist has animated that, it stays as it is."""
    for item in belongings(scene):
        animated = any(curve.data_path == "visible_camera" for curve in moving(item))
        if item.is_editable and item.visible_camera and not animated:
            item.visible_camera = False
            mark_unseen(scene, item)


def left_in_sight(scene) -> list[str]:
    """Those who are generated and cannot be hidden, for nothing on them can be changed; cheap enough for
    drawing where nobody is linked from another file."""
    if not any(item.library for item in scene.objects):
        return []
    try:
        people = [character for character in find_characters(scene) if character.included]
    except SceneError:
        # That an override names what cannot be a character is said where the cast is read.
        return []
    return [each.name for each in people if not each.mesh.is_editable and each.mesh.visible_camera]


def put_back(scene, character=None) -> None:
    """Let cameras see those again who were taken out.

    Args:
        character: armature or mesh object of the only one; None: all.
    """
    for item in scene.objects:
        if unseen(item) and item.is_editable and (character is None or belongs(item, {character})):
            item.visible_camera = True
            unmark_unseen(item)
