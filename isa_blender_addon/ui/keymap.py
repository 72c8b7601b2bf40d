"""Entries under Preferences ▸ Keymap ▸ 3D View, for the artist to give keys to; none has one by default."""

import bpy

_BINDABLE = ("isa.generate", "isa.compare_takes")
_ADDED: list[tuple] = []


def register() -> None:
    config = bpy.context.window_manager.keyconfigs.addon
    # None in a Blender without a window.
    if config is not None:
        keymap = config.keymaps.new(name="3D View", space_type="VIEW_3D")
        _ADDED.extend((keymap, keymap.keymap_items.new(name, "NONE", "PRESS")) for name in _BINDABLE)


def unregister() -> None:
    for keymap, item in _ADDED:
        keymap.keymap_items.remove(item)
    _ADDED.clear()
