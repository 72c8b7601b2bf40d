"""End what is going on."""

import bpy

from ..session import session


class ISA_OT_cancel(bpy.types.Operator):
    bl_idname = "isa.cancel"
    bl_label = "Cancel"
    bl_description = "Stop generating; the scene stays as it is"

    @classmethod
    def poll(cls, _context) -> bool:
        return session().busy

    def execute(self, _context) -> set[str]:
        session().cancel()
        return {"FINISHED"}


CLASSES = (ISA_OT_cancel,)
