"""Look for characters again."""

import contextlib

import bpy
from bpy.app.handlers import persistent

from isa_engine.errors import IsaError

from ..settings.cast import refresh_cast
from .operator import Operator


class ISA_OT_refresh_cast(Operator, bpy.types.Operator):
    bl_idname = "isa.refresh_cast"
    bl_label = "Find Characters"
    bl_description = "Look for SMPL-X characters again"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context) -> None:
        refresh_cast(context.scene)


# What the scene held when it was last searched, so that it is searched only where that has changed: a search
# takes
# milliseconds, and Blender updates the scene at every move of the mouse.
_seen = None


@persistent
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
        # Blender allows no changes while it updates.
        if not bpy.app.timers.is_registered(_refresh):
            bpy.app.timers.register(_refresh, first_interval=0.0)


def _refresh() -> None:
    # What is wrong is said by *Find Characters*, which the artist presses.
    with contextlib.suppress(IsaError):
        refresh_cast(bpy.context.scene)


@persistent
def _on_load(_path) -> None:
    _on_change(bpy.context.scene)


CLASSES = (ISA_OT_refresh_cast,)


def register() -> None:
    global _seen
    _seen = None
    bpy.app.handlers.depsgraph_update_post.append(_on_change)
    bpy.app.handlers.load_post.append(_on_load)


def unregister() -> None:
    bpy.app.handlers.depsgraph_update_post.remove(_on_change)
    bpy.app.handlers.load_post.remove(_on_load)
    if bpy.app.timers.is_registered(_refresh):
        bpy.app.timers.unregister(_refresh)
