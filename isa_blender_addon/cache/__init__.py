"""The cache: how large it is, its clean-up, and what saved files show of it."""


def register() -> None:
    from . import saved_files

    saved_files.register()


def unregister() -> None:
    from . import cleaning, measuring, saved_files

    cleaning.unregister()
    measuring.unregister()
    saved_files.unregister()
