"""A motion file onto the active character."""

import bpy
from bpy.props import IntProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from isa_engine.body import load_motion

from ..scene.rig import apply_motion
from .operator import Operator, Result


class ISA_OT_import_motion(Operator, bpy.types.Operator, ImportHelper):
    bl_idname = "isa.import_motion"
    bl_label = "Import Motion"
    bl_description = (
        "Key a motion on the active character: SMPL-X or AMASS .npz, .amc beside its .asf, or .bvh"
    )
    bl_options = {"REGISTER", "UNDO"}

    filter_glob: StringProperty(default="*.npz;*.amc;*.bvh", options={"HIDDEN"})
    start_frame: IntProperty(name="Start Frame", description="Scene frame of the motion's first", default=1)

    @classmethod
    def poll(cls, context) -> bool:
        cls.poll_message_set("Select a character first")
        return active_armature(context) is not None

    def invoke(self, context, event) -> Result:  # type: ignore[override]
        self.start_frame = context.scene.frame_start
        return super().invoke(context, event)

    def run(self, context) -> None:
        motion = load_motion(self.filepath)  # type: ignore[attr-defined]
        apply_motion(active_armature(context), motion, self.start_frame)


def active_armature(context):
    """The armature that is active, or whose mesh is; None if neither."""
    item = context.active_object
    if item is not None and item.type == "MESH":
        item = item.find_armature()
    return item if item is not None and item.type == "ARMATURE" else None


CLASSES = (ISA_OT_import_motion,)
