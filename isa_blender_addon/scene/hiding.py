"""The cast hidden from cameras, and still in the scene: shadows and reflections stay, and so do roles.

Generated people are laid over a render; the rigs that they were generated from would stand beside them.
"""

from .animation import moving
from .belongings import belongings, belongs
from .characters import UNSEEN


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
        if item.get(UNSEEN) and item.is_editable and (character is None or belongs(item, {character})):
            item.visible_camera = True
            del item[UNSEEN]
