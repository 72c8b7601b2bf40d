"""Look for characters again."""

import contextlib

import bpy

from isa_engine.errors import IsaError

from ...blender.events import Listeners, call_off, call_soon
from ...settings.cast import refresh_cast
from ..kinds.operator import Operator


class ISA_OT_refresh_cast(Operator, bpy.types.Operator):
    bl_idname = "isa.refresh_cast"
    bl_label = "Find Characters"
    bl_description = "Look for SMPL-X characters again"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context) -> None:
        refresh_cast(context.scene)


# What the scene held when it was last searched. It is searched again only where that has changed: a search
# takes milliseconds, and Blender updates the scene at every move of the mouse.
_seen = None


def _on_change(scene, _depsgraph=None) -> None:
    global _seen
    now = (
        bpy.data.filepath,
        scene.session_uid if scene else 0,
        len(bpy.data.objects),
        len(bpy.data.armatures),
    )
    if now != _seen and scene is not None:
        _seen = now
        call_soon(_refresh)


def _refresh() -> None:
    # What is wrong is said by *Find Characters*, which the artist presses.
    with contextlib.suppress(IsaError):
        refresh_cast(bpy.context.scene)


def _on_load(_path) -> None:
    _on_change(bpy.context.scene)


_LISTENERS = Listeners(depsgraph_update_post=_on_change, load_post=_on_load)
CLASSES = (ISA_OT_refresh_cast,)


def register() -> None:
    global _seen
    _seen = None
    _LISTENERS.register()


def unregister() -> None:
    _LISTENERS.unregister()
    call_off(_refresh)
