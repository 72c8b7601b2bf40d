"""Show what the engine wrote."""

import bpy

from ..preferences.folders import engine_log
from .operator import Result


class ISA_OT_open_log(bpy.types.Operator):
    bl_idname = "isa.open_log"
    bl_label = "Engine Log"
    bl_description = "Open the log of this machine's engine as a text in Blender"

    @classmethod
    def poll(cls, _context) -> bool:
        cls.poll_message_set("The engine has not been started yet")
        return engine_log().is_file()

    def execute(self, context) -> Result:
        text = bpy.data.texts.get("ISA Engine Log") or bpy.data.texts.new("ISA Engine Log")
        text.from_string(engine_log().read_text(errors="replace"))
        if context.window is not None:
            bpy.ops.wm.window_new()
            area = context.window_manager.windows[-1].screen.areas[0]
            area.type = "TEXT_EDITOR"
            area.spaces.active.text = text
        return {"FINISHED"}


CLASSES = (ISA_OT_open_log,)
