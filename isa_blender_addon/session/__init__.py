"""What goes on now: the scene read, the chosen engine, the jobs, their plates' return."""


def register() -> None:
    from . import handlers

    handlers.register()


def unregister() -> None:
    from . import delivery, handlers

    delivery.close()
    handlers.unregister()
