"""How the next take is made, and how its plate comes into the scene."""

from collections.abc import Sequence

import bpy

from .models import draw_model
from .sidebar import InSidebar


class ISA_PT_look(InSidebar, bpy.types.Panel):
    bl_label = "Look"
    bl_order = 2

    def draw(self, context) -> None:
        layout, isa = self.layout, context.scene.isa
        # The whole width: half of it has no room for four words.
        layout.row(align=True).prop(isa, "plate")
        layout.use_property_split = True
        layout.use_property_decorate = False
        model = draw_model(context.scene, layout)
        if model is not None and model.detail > 1:
            layout.prop(isa, "detail")
        for name in ("steps", "policy", "guidance"):
            layout.prop(isa, name)
        if model is not None and model.prompted:
            layout.prop(isa, "prompt", placeholder="A street in the rain")
            layout.prop(isa, "negative_prompt")
        if model is not None and model.one_by_one:
            layout.prop(isa, "one_by_one")
        if model is not None:
            for choice in ("steering", "painted"):
                if known := getattr(model, choice):
                    draw_choice(layout, isa, choice, known)
        layout.prop(isa, "folder", placeholder="isa, beside the file")


def draw_choice(layout, isa, choice: str, names: Sequence[str]) -> None:
    """Some values of a setting, beside its name as other settings are beside theirs: split as a panel splits
    properties, which for single values puts the first one's name in place of the setting's."""
    split = layout.split(factor=0.4, align=True)
    title = split.row()
    title.alignment = "RIGHT"
    title.label(text=isa.bl_rna.properties[choice].name)
    row = split.row(align=True)
    row.use_property_split = False
    for name in names:
        row.prop_enum(isa, choice, name)


CLASSES = (ISA_PT_look,)
