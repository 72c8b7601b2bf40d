"""The open file once more, with its Python allowed."""

import bpy

from ..kinds.operator import Operator


class ISA_OT_reload_trusted(Operator, bpy.types.Operator):
    bl_idname = "isa.reload_trusted"
    bl_label = "Reload Trusted"
    bl_description = (
        "Open the file again and let its Python run, drivers among it. Do so only if you know whose it is"
    )
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context) -> bool:
        cls.poll_message_set("Save the file first: what is not saved would be lost")
        return bool(bpy.data.filepath) and not bpy.data.is_dirty

    def invoke(self, context, event):
        return context.window_manager.invoke_confirm(self, event)

    def run(self, context) -> None:
        bpy.ops.wm.revert_mainfile(use_scripts=True)


CLASSES = (ISA_OT_reload_trusted,)
