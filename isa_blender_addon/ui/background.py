"""What stands behind the people of the next take."""

import bpy

from ..settings.shot import can_hold_out, lays_over
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


CLASSES = (ISA_PT_background,)
