"""The add-on without a window, for render farms: commands of Blender's own command line."""

import bpy

_registered: list = []


def register() -> None:
    from . import farm, generate

    for command in (generate, farm):
        _registered.append(bpy.utils.register_cli_command(command.COMMAND, command.main))


def unregister() -> None:
    while _registered:
        bpy.utils.unregister_cli_command(_registered.pop())
