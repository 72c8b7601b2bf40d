"""What the artist sees: panels, lists, menus."""

import bpy


def _classes() -> tuple[type, ...]:
    from . import cast_list, delivery, farm, jobs, matching, panel, presets, takes

    modules = (cast_list, panel, delivery, farm, presets, jobs, takes, matching)
    return tuple(cls for module in modules for cls in module.CLASSES)


def register() -> None:
    from . import cache, keymap, takes, thumbnails

    for cls in _classes():
        bpy.utils.register_class(cls)
    takes.register()
    thumbnails.register()
    keymap.register()
    cache.register()


def unregister() -> None:
    from . import cache, keymap, takes, thumbnails

    cache.unregister()
    keymap.unregister()
    thumbnails.unregister()
    takes.unregister()
    for cls in reversed(_classes()):
        bpy.utils.unregister_class(cls)
