"""What the artist sees: panels, lists, preferences."""

import bpy


def _classes() -> tuple[type, ...]:
    # The panel imports the operators, which import the preferences from here.
    from . import cast_list, delivery, farm, jobs, matching, panel, preferences, presets, takes

    modules = (preferences, cast_list, panel, delivery, farm, presets, jobs, takes, matching)
    return tuple(cls for module in modules for cls in module.CLASSES)


def register() -> None:
    from . import keymap, takes, thumbnails

    for cls in _classes():
        bpy.utils.register_class(cls)
    takes.register()
    thumbnails.register()
    keymap.register()


def unregister() -> None:
    from . import keymap, takes, thumbnails

    keymap.unregister()
    thumbnails.unregister()
    takes.unregister()
    for cls in reversed(_classes()):
        bpy.utils.unregister_class(cls)
