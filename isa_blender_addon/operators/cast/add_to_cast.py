"""Any skinned mesh as a character, by the artist's word."""

import bpy

from isa_engine.errors import SceneError

from ...scene.characters import armature_of, cast_word, set_cast
from ...settings.cast import refresh_cast
from ..kinds.operator import Operator


class ISA_OT_add_to_cast(Operator, bpy.types.Operator):
    bl_idname = "isa.add_to_cast"
    bl_label = "Add Selected to Cast"
    bl_description = (
        "Take the selected into the cast: a body of SMPL, Mixamo, Rigify or MetaHuman, any skinned mesh"
    )
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context) -> bool:
        cls.poll_message_set("Select a character's armature or its mesh first")
        return any(item.type in ("MESH", "ARMATURE") for item in context.selected_objects)

    def run(self, context) -> None:
        scene = context.scene
        chosen: dict = {}
        for item in context.selected_objects:
            if item.type == "ARMATURE":
                chosen[item] = None
            elif item.type == "MESH":
                # The armature is whose name the cast has; clothes and hair come with their body.
                chosen[armature_of(item) or item] = None
        before = {owner: cast_word(scene, owner) for owner in chosen}
        for owner in chosen:
            set_cast(scene, owner, True)
        try:
            refresh_cast(scene)
        except SceneError:
            for owner, word in before.items():
                set_cast(scene, owner, word)
            raise
        last = next(reversed(chosen))
        for index, member in enumerate(scene.isa.cast):
            if member.character == last:
                scene.isa.cast_index = index


CLASSES = (ISA_OT_add_to_cast,)
