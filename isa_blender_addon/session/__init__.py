"""What goes on now: the scene read, the chosen engine, the jobs, their plates' return, the cache."""


def register() -> None:
    from . import cache, current

    current.register()
    cache.register()


def unregister() -> None:
    from . import cache, current

    cache.unregister()
    current.unregister()
