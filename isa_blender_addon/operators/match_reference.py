"""Say where a character stands in its reference picture."""

import bpy
from bpy.props import StringProperty

from isa_engine.errors import IsaError

from ..properties import cast_member


class ISA_OT_match_reference(bpy.types.Operator):
    bl_idname = "isa.match_reference"
    bl_label = "Match"
    bl_description = "Say where the character stands in its reference picture"
    bl_options = {"REGISTER", "UNDO"}

    character: StringProperty(options={"HIDDEN"})

    def execute(self, context) -> set[str]:
        isa = context.scene.isa
        try:
            member = cast_member(context.scene, self.character)
        except IsaError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        isa.cast_index = next(index for index, other in enumerate(isa.cast) if other == member)
        return {"FINISHED"}


CLASSES = (ISA_OT_match_reference,)
