"""What goes on now: the scene read, the chosen engine, the jobs, their plates' return, the cache."""


def register() -> None:
    from . import cache, handlers

    handlers.register()
    cache.register()


def unregister() -> None:
    from . import cache, delivery, handlers

    delivery.close()
    cache.unregister()
    handlers.unregister()
