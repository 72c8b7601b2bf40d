"""What the model gets of the scene, drawn over the viewport: each character's points, and the canvas."""


def register() -> None:
    # The geometry is used without Blender.
    from . import draw, watch

    watch.register()
    draw.register()


def unregister() -> None:
    from . import draw, watch

    draw.unregister()
    watch.unregister()
