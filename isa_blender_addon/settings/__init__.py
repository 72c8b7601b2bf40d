"""What a scene remembers: its cast, its shot's settings; and presets of these, which are the user's.

It is saved with the .blend, so nothing secret is here; the engine's address and token are preferences.
"""

import bpy
from bpy.props import PointerProperty


def register() -> None:
    from . import cast, models, selection, shot

    models.look()
    for cls in (*cast.CLASSES, *shot.CLASSES):
        bpy.utils.register_class(cls)
    bpy.types.Scene.isa = PointerProperty(type=shot.SceneSettings)  # type: ignore[attr-defined]
    selection.register()


def unregister() -> None:
    from . import cast, selection, shot

    selection.unregister()
    del bpy.types.Scene.isa  # type: ignore[attr-defined]
    for cls in (*shot.CLASSES, *cast.CLASSES):
        bpy.utils.unregister_class(cls)
