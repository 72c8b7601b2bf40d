"""The cast: its list, and how people come into it."""

import bpy

from ..language.translation import words
from ..session.programs import tracking
from .cast_list import draw_member
from .sidebar import InSidebar


class ISA_PT_cast(InSidebar, bpy.types.Panel):
    bl_label = "Cast"
    bl_order = 1

    def draw(self, context) -> None:
        layout, isa = self.layout, context.scene.isa
        row = layout.row()
        row.template_list("ISA_UL_cast", "", isa, "cast", isa, "cast_index", rows=3)
        side = row.column(align=True)
        remove = side.row(align=True)
        chosen = isa.cast[isa.cast_index] if 0 <= isa.cast_index < len(isa.cast) else None
        remove.enabled = chosen is not None and chosen.character is not None
        name = chosen.character.name_full if remove.enabled else ""
        remove.operator("isa.remove_character", text="", icon="REMOVE").character = name
        side.operator("isa.refresh_cast", text="", icon="FILE_REFRESH")
        # Two a row: in a narrow sidebar three have no room for their words.
        row = layout.row(align=True)
        row.operator("isa.add_character", text="Character", icon="ADD")
        row.operator("isa.import_people", text="People", icon="COMMUNITY")
        row = layout.row(align=True)
        row.operator("isa.import_motion", text="Motion", icon="IMPORT")
        row.operator_menu_enum("isa.bundled_motion", "clip", text="Bundled")
        if tracking.under_way.current is not None:
            row = layout.row(align=True)
            row.label(text=followed(*tracking.under_way.current.progress), translate=False, icon="VIEWZOOM")
            row.operator("isa.stop_tracking", text="", icon="X")
        layout.operator("isa.add_to_cast", icon="USER")
        if not isa.cast:
            layout.operator("isa.add_demo_scene", icon="SCENE_DATA")
        # Last, for it is of another height for everybody.
        if 0 <= isa.cast_index < len(isa.cast):
            draw_member(context, layout, isa.cast[isa.cast_index])


def followed(what: str, done: int, of: int) -> str:
    """How far the people of a video are followed, in words."""
    if not of:
        return words("Looking for people…")
    text = "Looking at frame {done} of {of}" if what == "seen" else "Posing people, {done} of {of}"
    return words(text, done=done, of=of)


CLASSES = (ISA_PT_cast,)
