"""A photograph that is stored turned, written upright."""

import bpy
from bpy.props import StringProperty

from ...preferences.folders import free
from ...scene.picture import upright_place, write_upright
from ...settings.cast import cast_member
from ..kinds.operator import Operator


class ISA_OT_turn_picture(Operator, bpy.types.Operator):
    bl_idname = "isa.turn_picture"
    bl_label = "Turn Upright"
    bl_description = "Write the picture beside its file as other programs show it, and use that"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    character: StringProperty()

    def run(self, context) -> None:
        chosen = cast_member(context.scene, self.character).picture
        upright = free(upright_place(chosen))
        write_upright(chosen, upright)
        for member in context.scene.isa.cast:
            if member.picture == chosen:
                member.picture = bpy.path.relpath(str(upright)) if chosen.startswith("//") else str(upright)


CLASSES = (ISA_OT_turn_picture,)
