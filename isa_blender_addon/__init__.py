"""ISA for Blender: stage SMPL-X characters and a camera, get the generated video back as a plate."""


def register() -> None:
    from . import batch, operators, properties, ui

    properties.register()
    ui.register()
    operators.register()
    batch.register()


def unregister() -> None:
    from . import batch, operators, properties, session, ui

    session.close()
    batch.unregister()
    operators.unregister()
    ui.unregister()
    properties.unregister()
