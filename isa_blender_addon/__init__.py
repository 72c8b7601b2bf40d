"""ISA for Blender: stage SMPL-X characters and a camera, get the generated video back as a plate."""


def register() -> None:
    for room in _rooms():
        room.register()


def unregister() -> None:
    for room in reversed(_rooms()):
        room.unregister()


def _rooms() -> tuple:
    """Those with something to register, in the order in which they build on each other."""
    from . import (
        cache,
        dataset,
        headless,
        matching,
        operators,
        overlay,
        preferences,
        session,
        settings,
        takes,
        ui,
    )

    return preferences, settings, dataset, takes, matching, session, cache, overlay, headless, operators, ui
