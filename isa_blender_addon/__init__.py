"""ISA for Blender: stage SMPL-X characters and a camera, get the generated video back as a plate."""


def register() -> None:
    from . import batch, cache, dataset, farm, matching, operators, overlay, properties, session, shots, ui

    properties.register()
    shots.register()
    session.register()
    cache.register()
    ui.register()
    operators.register()
    overlay.register()
    matching.register()
    batch.register()
    farm.register()
    dataset.register()


def unregister() -> None:
    from . import batch, cache, dataset, farm, matching, operators, overlay, properties, session, shots, ui

    dataset.unregister()
    farm.unregister()
    batch.unregister()
    matching.unregister()
    overlay.unregister()
    operators.unregister()
    ui.unregister()
    cache.unregister()
    session.unregister()
    shots.unregister()
    properties.unregister()
