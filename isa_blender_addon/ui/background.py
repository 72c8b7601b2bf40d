"""What stands behind the people of the next take."""

import bpy

from ..language.translation import words
from ..settings.shot import can_hold_out, lays_over, plate_scale
from .sentence import sentence
from .sidebar import InSidebar


class ISA_PT_background(InSidebar, bpy.types.Panel):
    bl_label = "Background"
    bl_order = 6

    def draw(self, context) -> None:
        layout, isa = self.layout, context.scene.isa
        layout.row().prop(isa, "background", expand=True)
        if isa.background == "RENDER":
            row = layout.row()
            row.prop(isa, "background_quick")
            row.prop(isa, "background_shadows")
            if can_hold_out(context.scene):
                row.prop(isa, "background_holdout")
            layout.operator("isa.renew_background", icon="FILE_REFRESH")
        elif isa.background == "FOOTAGE":
            layout.template_ID(isa, "footage", open="image.open")
            layout.prop(isa, "footage_start")
        if lays_over(context.scene):
            layout.prop(isa, "plate_scale")
            # Where it was chosen, that holds the shot instead.
            if (scale := plate_scale(context.scene)) < isa.plate_scale:
                fitted = words("{scale} for this frame: its longer side would be too long.", scale=scale)
                sentence(context, layout, fitted, "INFO")


CLASSES = (ISA_PT_background,)
