"""Have the background rendered again: the scene has changed behind the people."""

import bpy

from .operator import Result


class ISA_OT_renew_background(bpy.types.Operator):
    bl_idname = "isa.renew_background"
    bl_label = "Render Again"
    bl_description = (
        "Render the background anew at the next Generate; else the one of the same camera and motion is used"
    )
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    def execute(self, context) -> Result:
        context.scene.isa.background_version += 1
        return {"FINISHED"}


CLASSES = (ISA_OT_renew_background,)
