"""Add ▸ SMPL-X Character."""

import bpy
from bpy.props import StringProperty

from isa_engine.body import load_body, open_body

from ..scene.rig import add_character, stand
from ..settings.cast import refresh_cast
from .operator import Operator


class ISA_OT_add_character(Operator, bpy.types.Operator):
    bl_idname = "isa.add_character"
    bl_label = "SMPL-X Character"
    bl_description = "Add a rigged SMPL-X character that stands on the 3D cursor"
    bl_options = {"REGISTER", "UNDO"}

    name: StringProperty(name="Name", default="Character")
    body: StringProperty(
        name="Body",
        description="An SMPL-X model file (.npz); empty: the open body that comes with the engine",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context) -> bool:
        return context.mode == "OBJECT"

    def run(self, context) -> None:
        body = load_body(bpy.path.abspath(self.body)) if self.body else open_body()
        armature = add_character(context, body, self.name)
        stand(armature)
        armature.location += context.scene.cursor.location
        refresh_cast(context.scene)


def draw_in_add_menu(menu, _context) -> None:
    menu.layout.operator(ISA_OT_add_character.bl_idname, icon="OUTLINER_OB_ARMATURE")


CLASSES = (ISA_OT_add_character,)


def register() -> None:
    bpy.types.VIEW3D_MT_add.append(draw_in_add_menu)  # type: ignore[arg-type]


def unregister() -> None:
    bpy.types.VIEW3D_MT_add.remove(draw_in_add_menu)  # type: ignore[arg-type]
