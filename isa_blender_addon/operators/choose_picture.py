"""A reference picture for a character."""

import bpy
from bpy.props import StringProperty
from bpy_extras.io_utils import ImportHelper

from ..scene.picture import read_picture
from ..settings.cast import cast_member, playing
from .operator import Operator


class ISA_OT_choose_picture(Operator, bpy.types.Operator, ImportHelper):
    bl_idname = "isa.choose_picture"
    bl_label = "Choose Picture"
    bl_description = "Choose a picture that shows how the character looks"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    filter_glob: StringProperty(
        default=";".join(f"*{ending}" for ending in bpy.path.extensions_image), options={"HIDDEN"}
    )
    character: StringProperty(description="Empty: all who have none yet", options={"HIDDEN"})

    def run(self, context) -> None:
        read_picture(self.filepath, self.character or "the cast")  # type: ignore[attr-defined]
        members = [cast_member(context.scene, self.character)] if self.character else None
        picture = bpy.path.relpath(self.filepath) if bpy.data.filepath else self.filepath  # type: ignore[attr-defined]
        for member in members or [member for member in playing(context.scene) if not member.picture]:
            member.picture = picture


CLASSES = (ISA_OT_choose_picture,)
