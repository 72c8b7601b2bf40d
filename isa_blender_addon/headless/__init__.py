"""The add-on without a window, for render farms: commands of Blender's own command line."""


def register() -> None:
    from . import farm, generate

    generate.register()
    farm.register()


def unregister() -> None:
    from . import farm, generate

    farm.unregister()
    generate.unregister()
