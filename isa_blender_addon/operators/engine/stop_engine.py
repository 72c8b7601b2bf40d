"""Stop the engine of this machine."""

import bpy

from ...session.current import session
from ..kinds.operator import Result


class ISA_OT_stop_engine(bpy.types.Operator):
    bl_idname = "isa.stop_engine"
    bl_label = "Stop"
    bl_description = "Stop the engine on this machine; its jobs can go on later"

    def execute(self, _context) -> Result:
        session().stop_engine()
        return {"FINISHED"}


CLASSES = (ISA_OT_stop_engine,)
