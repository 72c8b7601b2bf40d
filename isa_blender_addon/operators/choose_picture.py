"""A reference picture for a character."""

import bpy
from bpy.props import StringProperty
from bpy_extras.io_utils import ImportHelper

from isa_engine.errors import IsaError

from ..properties import cast_member
from ..scene.picture import read_picture


class ISA_OT_choose_picture(bpy.types.Operator, ImportHelper):
    bl_idname = "isa.choose_picture"
    bl_label = "Choose Picture"
    bl_description = "Choose a PNG or JPEG that shows how the character looks"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    filter_glob: StringProperty(default="*.png;*.jpg;*.jpeg", options={"HIDDEN"})
    character: StringProperty(options={"HIDDEN"})

    def execute(self, context) -> set[str]:
        try:
            read_picture(self.filepath, self.character)
            member = cast_member(context.scene, self.character)
        except IsaError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        member.picture = bpy.path.relpath(self.filepath) if bpy.data.filepath else self.filepath
        return {"FINISHED"}


CLASSES = (ISA_OT_choose_picture,)
