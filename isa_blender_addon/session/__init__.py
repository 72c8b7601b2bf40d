"""What goes on now between this Blender and an engine: the scene read, the jobs, their plates' return."""


def register() -> None:
    from . import handlers, showing

    handlers.register()
    showing.register()


def unregister() -> None:
    from . import handlers, showing
    from .programs import delivery, tracking

    showing.unregister()
    delivery.under_way.close()
    tracking.under_way.close()
    handlers.unregister()
