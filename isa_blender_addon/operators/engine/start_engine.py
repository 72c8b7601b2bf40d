"""Start the engine of this machine, or ask a remote one how it is."""

import bpy

from isa_engine.errors import IsaError

from ...session.current import session
from ..kinds.operator import Operator, Result


class ISA_OT_start_engine(Operator, bpy.types.Operator):
    bl_idname = "isa.start_engine"
    bl_label = "Start"
    bl_description = "Start the engine on this machine, or connect to the remote one"

    def run(self, _context) -> None:
        session().start_engine()

    def fail(self, error: IsaError) -> Result:
        session().fail(error)
        return super().fail(error)


CLASSES = (ISA_OT_start_engine,)
