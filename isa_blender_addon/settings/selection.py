"""The active row of the cast list and the viewport's active object follow each other."""

import bpy

from ..blender.events import Listeners, call_off, call_soon
from .cast import member_of
from .changes import forget, quietly, when_changed

# The object that was active when this was last looked at, by its number.
_active = 0


def select(scene, character) -> None:
    """Make a character the active, only selected object, where an artist could click it."""
    layer = bpy.context.view_layer
    active = layer.objects.active
    free = active is None or active.mode == "OBJECT"
    if bpy.context.scene != scene or not free or character is None:
        return
    if character.name_full not in {item.name_full for item in layer.objects} or not character.visible_get():
        return
    for item in layer.objects.selected:
        item.select_set(False)
    character.select_set(True)
    layer.objects.active = character


def _row_chosen(scene) -> None:
    isa = scene.isa
    if 0 <= isa.cast_index < len(isa.cast):
        select(scene, isa.cast[isa.cast_index].character)


def _on_change(scene, _depsgraph=None) -> None:
    global _active
    active = bpy.context.view_layer.objects.active if bpy.context.view_layer else None
    now = active.session_uid if active else 0
    if scene is not None and now != _active:
        _active = now
        call_soon(_follow)


def _follow() -> None:
    """Make the row active of who is active in the viewport."""
    scene, active = bpy.context.scene, bpy.context.view_layer.objects.active
    member = member_of(scene, active) if active else None
    if member is None:
        return
    index = list(scene.isa.cast).index(member)
    if scene.isa.cast_index != index:
        with quietly():
            scene.isa.cast_index = index


_LISTENERS = Listeners(depsgraph_update_post=_on_change)


def register() -> None:
    when_changed("cast_index", _row_chosen)
    _LISTENERS.register()


def unregister() -> None:
    forget("cast_index")
    _LISTENERS.unregister()
    call_off(_follow)
