"""What goes on now: the scene read, the chosen engine, the jobs, their plates' return."""


def register() -> None:
    from . import handlers, selection, showing

    handlers.register()
    showing.register()
    selection.register()


def unregister() -> None:
    from . import delivery, handlers, selection, showing, tracking

    selection.unregister()
    showing.unregister()
    delivery.under_way.close()
    tracking.under_way.close()
    handlers.unregister()
