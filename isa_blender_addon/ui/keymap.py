"""Preferences ▸ Keymap ▸ 3D View: our keys, for the artist to change."""

import bpy

# Blender's own keymaps leave it free in the 3D viewport, with these modifiers and without.
KEY = "F7"
# Operator or pie menu, and what is held with the key.
KEYS: tuple[tuple[str, dict[str, bool]], ...] = (
    ("isa.compare_takes", {"ctrl": True}),
    ("isa.generate", {"ctrl": True, "shift": True}),
    ("VIEW3D_MT_PIE_isa", {}),
)
_ADDED: list[tuple] = []


def register() -> None:
    config = bpy.context.window_manager.keyconfigs.addon
    # None in a Blender without a window.
    if config is None:
        return
    keymap = config.keymaps.new(name="3D View", space_type="VIEW_3D")
    for name, held in KEYS:
        pie = name.startswith("VIEW3D_MT_PIE")
        item = keymap.keymap_items.new("wm.call_menu_pie" if pie else name, KEY, "PRESS", **held)
        if pie:
            item.properties.name = name
        _ADDED.append((keymap, item))


def unregister() -> None:
    for keymap, item in _ADDED:
        keymap.keymap_items.remove(item)
    _ADDED.clear()
