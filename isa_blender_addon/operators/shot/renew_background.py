"""Have the background rendered again: behind the people something has changed that Blender does not tell of,
such as a simulation that was baked anew."""

import bpy

from ..kinds.operator import Result


class ISA_OT_renew_background(bpy.types.Operator):
    bl_idname = "isa.renew_background"
    bl_label = "Render Again"
    bl_description = (
        "Render the background anew at the next Generate; else the one of the same set, camera and motion is "
        "used"
    )
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    def execute(self, context) -> Result:
        context.scene.isa.background_version += 1
        return {"FINISHED"}


CLASSES = (ISA_OT_renew_background,)
