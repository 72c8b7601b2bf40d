"""A character out of the scene, with all that is only of it."""

import bpy
from bpy.props import StringProperty

from isa_engine.errors import SceneError

from ...scene.belongings import belongings_of
from ...scene.library import from_library
from ...settings.cast import cast_member, refresh_cast
from ..kinds.operator import Operator


class ISA_OT_remove_character(Operator, bpy.types.Operator):
    bl_idname = "isa.remove_character"
    bl_label = "Remove Character"
    bl_description = "Remove the character from the scene: rig, body, what it wears, and its stand-in"
    bl_options = {"REGISTER", "UNDO"}

    character: StringProperty(options={"HIDDEN"})

    def run(self, context) -> None:
        scene = context.scene
        member = cast_member(scene, self.character)
        if from_library(member.character):
            problem = "'{name}' is linked from a library"
            remedy = "Take its collection out of the scene, or untick it in the cast."
            raise SceneError(problem, remedy=remedy, name=self.character)
        owners = {item for item in (member.character, member.ghost, member.ghost_camera) if item}
        for item in belongings_of(scene, owners):
            _remove(scene, item)
        refresh_cast(scene)


def _remove(scene, item) -> None:
    """Out of this scene; gone for good where it is in no other."""
    if item.users_scene != (scene,):
        for collection in {scene.collection, *scene.collection.children_recursive}:
            if item.name in collection.objects:
                collection.objects.unlink(item)
        return
    data = item.data
    bpy.data.objects.remove(item)
    if data is not None and not data.users:
        bpy.data.batch_remove([data])


CLASSES = (ISA_OT_remove_character,)
