"""What goes on now: the scene read, the chosen engine, the jobs, their plates' return."""


def register() -> None:
    from . import handlers, showing

    handlers.register()
    showing.register()


def unregister() -> None:
    from . import delivery, handlers, showing

    showing.unregister()
    delivery.close()
    handlers.unregister()
