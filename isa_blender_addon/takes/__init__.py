"""Takes: their files and folders, whose they are, and which one a scene's plate shows."""


def register() -> None:
    from . import ids

    ids.register()


def unregister() -> None:
    from . import ids

    ids.unregister()
