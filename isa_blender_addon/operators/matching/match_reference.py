"""Match a character to its reference picture: a ghost before the picture, seen through its camera."""

import bpy
from bpy.props import StringProperty

from isa_engine.client.location import python_of

from ...language.translation import said
from ...matching.draw import marking
from ...matching.ghost import fit_camera_to_picture, make_ghost
from ...matching.pose import is_posed
from ...scene.characters import joint_bones
from ...settings.cast import cast_member
from ...settings.changes import quietly
from ..kinds.operator import Operator, Result


class ISA_OT_match_reference(Operator, bpy.types.Operator):
    bl_idname = "isa.match_reference"
    bl_label = "Match"
    bl_description = (
        "Put a stand-in of the character before its picture, and look at both. Where the detector is "
        "installed, the person in the picture is found and the stand-in is posed so"
    )
    bl_options = {"REGISTER", "UNDO"}

    character: StringProperty(options={"HIDDEN"})

    def invoke(self, context, _event) -> Result:
        result = self.execute(context)
        member = cast_member(context.scene, self.character) if result == {"FINISHED"} else None
        if member is None or is_posed(member.ghost) or joint_bones(member.ghost) is None:
            return result
        if not python_of("detector"):
            self.report({"INFO"}, said("Run install/detector.sh to have people found in pictures."))
        elif marking.detector is None:
            bpy.ops.isa.find_person("INVOKE_DEFAULT", character=self.character)
        return result

    def run(self, context) -> None:
        scene = context.scene
        member = cast_member(scene, self.character)
        make_ghost(scene, member)
        fit_camera_to_picture(scene, member)
        member.pose = "MATCHED"
        if context.mode == "OBJECT":
            # Ready to be moved, posed, or given a pose from a file.
            for item in context.selected_objects:
                item.select_set(False)
            member.ghost.select_set(True)
            context.view_layer.objects.active = member.ghost
        with quietly():
            scene.isa.cast_index = [other.character for other in scene.isa.cast].index(member.character)
        if context.space_data is not None and context.space_data.type == "VIEW_3D":
            look_through(context.space_data, member.ghost_camera)


class ISA_OT_leave_reference(bpy.types.Operator):
    bl_idname = "isa.leave_reference"
    bl_label = "Back to the Scene"
    bl_description = "Look through the scene's camera again"

    def execute(self, context) -> Result:
        look_through(context.space_data, None)
        return {"FINISHED"}

    @classmethod
    def poll(cls, context) -> bool:
        return context.space_data is not None and context.space_data.type == "VIEW_3D"


def look_through(space, camera) -> None:
    """Show a 3D viewport through a camera of its own; None: through the scene's."""
    space.use_local_camera = camera is not None
    if camera is not None:
        space.camera = camera
    space.region_3d.view_perspective = "CAMERA"


CLASSES = (ISA_OT_match_reference, ISA_OT_leave_reference)
