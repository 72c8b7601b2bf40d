"""Matching a character to its picture: in the cast's panel, and in the Image Editor's sidebar."""

import bpy

from isa_engine.client.location import python_of

from ..language.translation import words
from ..matching import draw
from ..matching.draw import matched_member
from ..matching.ghost import is_of_picture
from ..matching.marks import close
from ..matching.pose import is_posed
from ..matching.seen import error_and_size
from ..scene.picture import picture_size
from ..settings.cast import has_ghost, stance
from .sentence import sentence


def draw_matching(context, layout, member) -> None:
    """What to do next, and how well the ghost lies on the marks."""
    name, scene, space = member.character.name_full, context.scene, context.space_data
    marking = space is not None and space.type == "IMAGE_EDITOR"
    ghost = has_ghost(scene, member)
    row = layout.row(align=True)
    row.operator(
        "isa.match_reference", text="View" if ghost else "Match", icon="GHOST_ENABLED"
    ).character = name
    if not marking:
        row.operator("isa.open_picture", text="Mark", icon="IMAGE").character = name
    fitting = draw.marking.fitted == name
    fit = row.row(align=True)
    fit.enabled = any(member.marked) and not fitting
    fit.operator("isa.fit_pose", text="Fitting…" if fitting else "Fit").character = name
    _draw_finding(context, layout, member)
    if ghost:
        pixels, size = error_and_size(scene, member)
        if not is_posed(member.ghost):
            sentence(context, layout, "Nobody has posed the stand-in yet.", "ERROR")
        elif not is_of_picture(member):
            sentence(context, layout, "The stand-in is posed by another picture.", "ERROR")
        elif pixels is None:
            sentence(context, layout, "The stand-in is posed by hand.")
        elif close(pixels, size):
            sentence(context, layout, words("Matched, {pixels:.1f} pixels off.", pixels=pixels), "CHECKMARK")
        else:
            sentence(context, layout, words("{pixels:.0f} pixels off.", pixels=pixels), "ERROR")
        layout.prop(member.ghost_camera.data, "lens", text="Picture's Lens")
    if space is not None and space.type == "VIEW_3D" and space.use_local_camera:
        layout.operator("isa.leave_reference", icon="LOOP_BACK")


def _draw_finding(context, layout, member) -> None:
    """Who of the picture the character is, as far as the detector tells."""
    name, space = member.character.name_full, context.space_data
    if draw.marking.sought == name:
        row = layout.row(align=True)
        row.label(text="Looking for people…", icon="VIEWZOOM")
        row.operator("isa.stop_finding", text="", icon="X")
        return
    if not python_of("detector"):
        sentence(context, layout, "Run install/detector.sh to have people found in pictures.", "INFO")
        return
    row = layout.row(align=True)
    row.operator("isa.find_person", icon="VIEWZOOM").character = name
    if space is not None and space.type == "IMAGE_EDITOR":
        row.operator("isa.choose_person", icon="RESTRICT_SELECT_OFF")


def match_word(scene, member) -> tuple[str, str]:
    """A few words and an icon on how well it is known where a character stands in its picture."""
    size = picture_size(member.picture) if member.picture else None
    if size is None:
        return (words("file missing"), "ERROR") if member.picture else (words("no picture"), "NONE")
    if member.pose == "FIRST":
        return words("first frame"), "NONE"
    if member.pose == "FRAME":
        return words("frame {number}", number=member.frame), "NONE"
    if member.pose == "PICTURED" and stance(member):
        return words("as pictured"), "NONE"
    if member.pose == "PICTURED" or not has_ghost(scene, member) or not is_posed(member.ghost):
        return words("not matched"), "ERROR"
    if not is_of_picture(member):
        return words("not matched"), "ERROR"
    pixels, figure = error_and_size(scene, member)
    if pixels is None:
        return words("by hand"), "NONE"
    if close(pixels, figure):
        return words("{pixels:.1f} px", pixels=pixels), "CHECKMARK"
    return words("{pixels:.0f} px off", pixels=pixels), "ERROR"


class ISA_PT_picture(bpy.types.Panel):
    bl_label = "Reference"
    bl_space_type = "IMAGE_EDITOR"
    bl_region_type = "UI"
    bl_category = "ISA"

    @classmethod
    def poll(cls, context) -> bool:
        return matched_member(context) is not None

    def draw(self, context) -> None:
        layout, member = self.layout, matched_member(context)
        layout.label(text=member.character.name_full, translate=False, icon="OUTLINER_OB_ARMATURE")
        row = layout.row(align=True)
        row.operator("isa.mark_joints", icon="CURSOR")
        row.operator("isa.clear_marks", text="", icon="TRASH")
        draw_matching(context, layout, member)


CLASSES = (ISA_PT_picture,)
