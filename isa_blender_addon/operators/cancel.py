"""End the reading of the scene."""

import bpy

from ..session import session


class ISA_OT_cancel(bpy.types.Operator):
    bl_idname = "isa.cancel"
    bl_label = "Cancel"
    bl_description = "Stop reading the scene; it stays as it is"

    @classmethod
    def poll(cls, _context) -> bool:
        return session().busy

    def execute(self, _context) -> set[str]:
        session().stop_capture = True
        return {"FINISHED"}


CLASSES = (ISA_OT_cancel,)
