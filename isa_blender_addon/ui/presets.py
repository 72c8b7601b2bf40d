"""The presets in the Look panel."""

import bpy

from ..settings.presets import BUILT_IN, presets


class ISA_MT_presets(bpy.types.Menu):
    bl_label = "Presets"

    def draw(self, context) -> None:
        for name in presets(context.scene):
            self.layout.operator("isa.use_preset", text=name).name = name


def draw_presets(context, layout) -> None:
    """The chosen one, and buttons to add or remove the artist's own."""
    chosen = presets.chosen(context.scene)
    row = layout.row(align=True)
    row.menu("ISA_MT_presets", text=chosen or "Presets")
    row.operator("isa.add_preset", text="", icon="ADD")
    remove = row.row(align=True)
    remove.enabled = bool(chosen) and chosen not in BUILT_IN
    remove.operator("isa.remove_preset", text="", icon="REMOVE").name = chosen


CLASSES = (ISA_MT_presets,)
