"""What the artist sees: panels, lists, menus."""

import bpy


def _classes() -> tuple[type, ...]:
    from . import (
        background,
        cast,
        cast_list,
        delivery,
        drops,
        engine,
        farm,
        jobs,
        look,
        matching,
        menus,
        models,
        next_take,
        plate,
        presets,
        shot,
        takes,
    )

    panels = next_take, cast, shot, background, look, plate, engine, delivery, farm
    modules = (cast_list, *panels, models, presets, jobs, takes, matching, menus, drops)
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
