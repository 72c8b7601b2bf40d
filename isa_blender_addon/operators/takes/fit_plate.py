"""Read the plate for another view transform."""

import bpy

from ... import plate
from ..kinds.operator import Result


class ISA_OT_fit_plate(bpy.types.Operator):
    bl_idname = "isa.fit_plate"
    bl_label = "Match View"
    bl_description = "Read the plate for the scene's view transform, so that it looks as the video does"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    def execute(self, context) -> Result:
        plate.fit_view(context.scene)
        return {"FINISHED"}


CLASSES = (ISA_OT_fit_plate,)
