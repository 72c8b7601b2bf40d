"""The user's preferences, never saved in a .blend: which engine, and where the cache is."""

import bpy


def register() -> None:
    from . import choices

    for cls in choices.CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    from . import choices

    for cls in reversed(choices.CLASSES):
        bpy.utils.unregister_class(cls)
