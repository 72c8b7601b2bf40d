"""What the artist sees: panels, lists, menus."""

import bpy


def _classes() -> tuple[type, ...]:
    from . import (
        cast_list,
        delivery,
        drops,
        engine,
        farm,
        jobs,
        matching,
        menus,
        models,
        panel,
        presets,
        takes,
    )

    modules = (cast_list, panel, engine, delivery, farm, models, presets, jobs, takes, matching, menus, drops)
    return tuple(cls for module in modules for cls in module.CLASSES)


def register() -> None:
    from . import bar, cache, keymap, menus, messages, takes, thumbnails

    for cls in _classes():
        bpy.utils.register_class(cls)
    takes.register()
    messages.register()
    thumbnails.register()
    keymap.register()
    menus.register()
    cache.register()
    bar.register()


def unregister() -> None:
    from . import bar, cache, keymap, menus, messages, takes, thumbnails

    bar.unregister()
    cache.unregister()
    menus.unregister()
    keymap.unregister()
    thumbnails.unregister()
    messages.unregister()
    takes.unregister()
    for cls in reversed(_classes()):
        bpy.utils.unregister_class(cls)
