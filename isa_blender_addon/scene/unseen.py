"""The cast out of the camera's sight, and still in the scene: shadows and reflections stay, and so do roles.

Generated people are laid over a render; the rigs that they were generated from would stand beside them.
"""

from .characters import UNSEEN, find_characters
from .keep import moving


def belongings(scene) -> list:
    """Those who are generated, with all they wear and hold."""
    people = [character for character in find_characters(scene) if character.included]
    return belongings_of(
        scene, {item for person in people for item in (person.armature, person.mesh) if item is not None}
    )


def belongings_of(scene, owners: set) -> list:
    """Some objects with all that hangs on them or is deformed by them."""
    return [item for item in scene.objects if _belongs(item, owners)]


def take_out(scene) -> None:
    """Let no camera of a render see the cast; where the artist has animated that, it stays as it is."""
    for item in belongings(scene):
        animated = any(curve.data_path == "visible_camera" for curve in moving(item))
        if item.is_editable and item.visible_camera and not animated:
            item.visible_camera, item[UNSEEN] = False, True


def put_back(scene, character=None) -> None:
    """Let cameras see those again who were taken out.

    Args:
        character: armature or mesh object of the only one; None: all.
    """
    for item in scene.objects:
        if item.get(UNSEEN) and item.is_editable and (character is None or _belongs(item, {character})):
            item.visible_camera = True
            del item[UNSEEN]


def _belongs(item, owners: set) -> bool:
    deformers = {
        getattr(modifier, "object", None) for modifier in item.modifiers if modifier.type == "ARMATURE"
    }
    while item is not None:
        if item in owners:
            return True
        item = item.parent
    return bool(deformers & owners)
