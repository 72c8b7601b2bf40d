"""What the artist can do, by subject: each file in these rooms that has ``CLASSES`` is registered."""

import importlib
import pkgutil

import bpy

from .cast import add_character, refresh_cast

_FILES = [
    importlib.import_module(file.name) for file in pkgutil.walk_packages(__path__, prefix=f"{__name__}.")
]
_CLASSES = [cls for file in _FILES for cls in getattr(file, "CLASSES", ())]


def register() -> None:
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    add_character.register()
    refresh_cast.register()


def unregister() -> None:
    refresh_cast.unregister()
    add_character.unregister()
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
