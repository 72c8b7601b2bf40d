"""A motion onto the active character: from a file, or one that comes with the engine."""

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from isa_engine.body import Motion, bundled_motion, bundled_motions, load_motion
from isa_engine.errors import IsaError

from ...language.translation import said
from ...rigs.held import held_bones, let_go
from ...rigs.rig import apply_motion
from ...settings.selection import select
from ..kinds.operator import Operator, Result
from .under_mouse import dropped_on

MOTIONS = (".npz", ".amc", ".bvh")
# More bones than these are counted.
_NAMED = 3


class _KeyMotion(Operator):
    """What is asked and said of any motion."""

    start_frame: IntProperty(name="Start Frame", description="Scene frame of the motion's first", default=1)
    end_range: BoolProperty(
        name="End Range There",
        description="End the scene's frame range with the motion",
        options={"SKIP_SAVE"},
    )
    mute_held: BoolProperty(
        name="Mute Constraints",
        description="Mute the constraints and drivers that hold bones against the motion",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context) -> bool:
        cls.poll_message_set("Select a character first")  # type: ignore[attr-defined]
        return active_armature(context) is not None

    def motion(self) -> Motion:
        raise NotImplementedError

    def run(self, context) -> None:
        armature, scene = active_armature(context), context.scene
        last = apply_motion(armature, self.motion(), self.start_frame)
        if self.end_range:
            scene.frame_end = max(last, scene.frame_start)
        values = {"name": armature.name_full, "first": self.start_frame, "last": last}
        self.report({"INFO"}, said("{name} moves on frames {first}–{last}.", **values))
        if self.mute_held:
            let_go(armature)
        if held := held_bones(armature):
            shown = ", ".join(f"{bone} ({name})" for bone, name in held[:_NAMED])
            text = "{name} is held against the motion at {bones}: tick Mute Constraints."
            if len(held) > _NAMED:
                text = "{name} is held against the motion at {bones} and {more} more: tick Mute Constraints."
            values = {"name": armature.name_full, "bones": shown, "more": len(held) - _NAMED}
            self.report({"WARNING"}, said(text, **values))


class ISA_OT_import_motion(_KeyMotion, bpy.types.Operator, ImportHelper):
    bl_idname = "isa.import_motion"
    bl_label = "Import Motion"
    bl_description = (
        "Key a motion on the active character: SMPL-X or AMASS .npz, .amc beside its .asf, or .bvh"
    )
    bl_options = {"REGISTER", "UNDO"}

    # Not kept: what is dropped comes with it, and the browser asks for it.
    filepath: StringProperty(subtype="FILE_PATH", options={"HIDDEN", "SKIP_SAVE"})
    filter_glob: StringProperty(default=";".join(f"*{ending}" for ending in MOTIONS), options={"HIDDEN"})

    def invoke(self, context, event) -> Result:  # type: ignore[override]
        self.start_frame = context.scene.frame_start
        if not self.filepath:
            return ImportHelper.invoke(self, context, event)
        try:
            select(context.scene, dropped_on(context, event).character)
        except IsaError as error:
            return self.fail(error)
        return self.execute(context)

    def motion(self) -> Motion:
        return load_motion(self.filepath)


class ISA_OT_bundled_motion(_KeyMotion, bpy.types.Operator):
    bl_idname = "isa.bundled_motion"
    bl_label = "Bundled Motion"
    bl_description = "Key a motion that comes with the engine on the active character"
    bl_options = {"REGISTER", "UNDO"}

    clip: EnumProperty(
        name="Motion",
        items=[(name, name.replace("_", " ").replace("-", " ").title(), "") for name in bundled_motions()],
    )

    def invoke(self, context, _event) -> Result:
        self.start_frame = context.scene.frame_start
        return self.execute(context)

    def motion(self) -> Motion:
        return bundled_motion(self.clip)


def active_armature(context):
    """The armature that is active, or whose mesh is; where none is, the cast list's; None: there is none.

    For a ghost its character: a ghost stands still, as its picture does.
    """
    item, isa = context.active_object, context.scene.isa
    if item is None and 0 <= isa.cast_index < len(isa.cast):
        item = isa.cast[isa.cast_index].character
    if item is not None and item.type == "MESH":
        item = item.find_armature()
    if item is None or item.type != "ARMATURE":
        return None
    return next((member.character for member in context.scene.isa.cast if member.ghost == item), item)


CLASSES = (ISA_OT_import_motion, ISA_OT_bundled_motion)
