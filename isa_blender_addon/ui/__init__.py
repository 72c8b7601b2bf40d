"""What the artist sees: panels, lists, preferences."""

import bpy


def _classes() -> tuple[type, ...]:
    # The panel imports the operators, which import the preferences from here.
    from . import cast_list, matching, panel, preferences

    return (*preferences.CLASSES, *cast_list.CLASSES, *panel.CLASSES, *matching.CLASSES)


def register() -> None:
    from . import cast_list

    for cls in _classes():
        bpy.utils.register_class(cls)
    cast_list.register()


def unregister() -> None:
    from . import cast_list

    cast_list.unregister()
    for cls in reversed(_classes()):
        bpy.utils.unregister_class(cls)
