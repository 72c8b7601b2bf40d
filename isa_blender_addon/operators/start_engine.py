"""Start the engine of this machine, or ask a remote one how it is."""

import bpy

from isa_engine.errors import EngineError

from ..language.translation import told
from ..session.current import session
from .result import Result


class ISA_OT_start_engine(bpy.types.Operator):
    bl_idname = "isa.start_engine"
    bl_label = "Start"
    bl_description = "Start the engine on this machine, or connect to the remote one"

    def execute(self, _context) -> Result:
        try:
            session().start_engine()
        except EngineError as error:
            session().fail(told(error), about=session().engine.state)
            self.report({"ERROR"}, told(error))
            return {"CANCELLED"}
        return {"FINISHED"}


CLASSES = (ISA_OT_start_engine,)
