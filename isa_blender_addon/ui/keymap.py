"""Preferences ▸ Keymap ▸ 3D View: the key of our pie menu, and entries for the artist to give keys to."""

import bpy

_BINDABLE = ("isa.generate", "isa.compare_takes")
# Blender's own keymaps leave it free in the 3D viewport.
PIE_KEY = "F7"
_ADDED: list[tuple] = []


def register() -> None:
    config = bpy.context.window_manager.keyconfigs.addon
    # None in a Blender without a window.
    if config is None:
        return
    keymap = config.keymaps.new(name="3D View", space_type="VIEW_3D")
    _ADDED.extend((keymap, keymap.keymap_items.new(name, "NONE", "PRESS")) for name in _BINDABLE)
    pie = keymap.keymap_items.new("wm.call_menu_pie", PIE_KEY, "PRESS")
    pie.properties.name = "VIEW3D_MT_PIE_isa"
    _ADDED.append((keymap, pie))


def unregister() -> None:
    for keymap, item in _ADDED:
        keymap.keymap_items.remove(item)
    _ADDED.clear()
