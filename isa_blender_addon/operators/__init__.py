"""What the artist can do, one operator a file: each that lies here and has ``CLASSES`` is registered."""

import importlib
import pkgutil

import bpy

from . import add_character, refresh_cast

_FILES = [importlib.import_module(f"{__name__}.{file.name}") for file in pkgutil.iter_modules(__path__)]
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
