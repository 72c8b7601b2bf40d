"""A scene to try everything on."""

import bpy

from ...blender.window import look_through_camera
from ...preferences.folders import free
from ...rigs.demo import REFERENCE, build_demo_scene
from ...settings.cast import picture_cast
from ...takes.folders import made_output_folder
from ..kinds.operator import Operator

# Faces and clothes of the plate come from the reference: half of the frame shows them, and takes two seconds.
_PERCENTAGE = 50


class ISA_OT_add_demo_scene(Operator, bpy.types.Operator):
    bl_idname = "isa.add_demo_scene"
    bl_label = "Add Demo Scene"
    bl_description = "Two dressed characters under a moving camera, in a scene of their own"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context) -> bool:
        return context.mode == "OBJECT"

    def run(self, context) -> None:
        if context.scene.objects:
            context.window.scene = bpy.data.scenes.new("ISA demo")
        scene = context.scene
        build_demo_scene(context)
        scene.isa.background = "RENDER"
        look_through_camera(scene)
        # Last: on a full disk all else is there.
        _picture(scene)


def _picture(scene) -> None:
    """The demo's own first frame stands in for a photograph."""
    folder = made_output_folder(scene)
    scene.render.resolution_percentage = _PERCENTAGE
    try:
        # Unsaved demos, also those of other Blenders, share the folder.
        picture_cast(scene, scene.frame_start, free(folder / REFERENCE))
    finally:
        scene.render.resolution_percentage = 100


CLASSES = (ISA_OT_add_demo_scene,)
