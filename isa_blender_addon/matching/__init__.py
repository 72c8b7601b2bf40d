"""Where a character stands in its reference picture: joints marked on it, a ghost that poses so."""


def register() -> None:
    from . import draw

    draw.register()


def unregister() -> None:
    from . import draw

    draw.unregister()
