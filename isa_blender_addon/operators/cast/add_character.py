"""Add ▸ SMPL-X Character."""

import bpy
from bpy.props import StringProperty
from mathutils import Vector

from isa_engine.body import load_body, open_body

from ...rigs.rig import add_character, stand
from ...settings.cast import refresh_cast
from ...settings.changes import quietly
from ..kinds.operator import Operator

# Meters: nearer than this people stand in each other; how far a newcomer steps aside.
_ROOM, _STEP = 0.6, 0.8


class ISA_OT_add_character(Operator, bpy.types.Operator):
    bl_idname = "isa.add_character"
    bl_label = "SMPL-X Character"
    bl_description = "Add a rigged SMPL-X character that stands on the 3D cursor, beside who stands there"
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
        place = _free_place(context.scene)
        armature = add_character(context, body, self.name)
        stand(armature)
        armature.location = place
        refresh_cast(context.scene)
        with quietly():
            characters = [member.character for member in context.scene.isa.cast]
            context.scene.isa.cast_index = characters.index(armature)


def _free_place(scene) -> Vector:
    """The 3D cursor, or beside it as many steps along X as it takes to stand in nobody."""
    taken = [_stands(member.character) for member in scene.isa.cast if member.character]
    place = scene.cursor.location.copy()
    while any((place.xy - other.xy).length < _ROOM for other in taken):
        place.x += _STEP
    return place


def _stands(character) -> Vector:
    """Where a character is: its pelvis, if it has one, for motions move that and not the object."""
    bone = character.pose.bones.get("pelvis") if character.type == "ARMATURE" else None
    return character.matrix_world @ bone.head if bone else character.matrix_world.translation


def draw_in_add_menu(menu, _context) -> None:
    menu.layout.operator(ISA_OT_add_character.bl_idname, icon="OUTLINER_OB_ARMATURE")


CLASSES = (ISA_OT_add_character,)


def register() -> None:
    bpy.types.VIEW3D_MT_add.append(draw_in_add_menu)  # type: ignore[arg-type]


def unregister() -> None:
    bpy.types.VIEW3D_MT_add.remove(draw_in_add_menu)  # type: ignore[arg-type]
