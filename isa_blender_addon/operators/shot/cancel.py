"""End the reading of the scene."""

import bpy

from ...session.current import session
from ..kinds.operator import Result


class ISA_OT_cancel(bpy.types.Operator):
    bl_idname = "isa.cancel"
    bl_label = "Cancel"
    bl_description = "Stop reading the scene; it stays as it is"

    @classmethod
    def poll(cls, _context) -> bool:
        return session().busy

    def execute(self, _context) -> Result:
        session().reading.cancel()
        return {"FINISHED"}


CLASSES = (ISA_OT_cancel,)
