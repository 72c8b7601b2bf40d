"""The buttons of preflight's findings. Each undoes like any step, and its finding goes with it."""

import bpy
from bpy.props import FloatProperty, FloatVectorProperty, IntProperty, StringProperty
from mathutils import Vector

from isa_engine.errors import SceneError

from ...preflight.file_state import look_again
from ...scene.characters import body_mesh
from ...scene.units import unit_in_metres
from ...session.current import session
from ...settings.cast import playing, refresh_cast
from ...settings.models import models
from ...settings.presets import presets
from ..kinds.operator import Operator, Result


def _named(objects, name: str):
    """The object of that full name, which tells apart what comes from libraries; None if there is none."""
    return next((item for item in objects if item.name_full == name), None)


def _select(context, name: str) -> None:
    """Nothing but the object of that full name, if it is there."""
    item = _named(context.view_layer.objects, name)
    if item is not None and context.mode == "OBJECT":
        for other in context.selected_objects:
            other.select_set(False)
        item.select_set(True)
        context.view_layer.objects.active = item


def _move(scene, item, offset) -> None:
    """Move a character by so many meters of the world.

    Raises:
        SceneError: it is linked: Blender would move it, and not save that.
    """
    if not item.is_editable:
        problem = "'{name}' is linked from a library, and would be back in its place in the saved file"
        raise SceneError(
            problem, remedy="Override it first: Object ▸ Library Override ▸ Make.", name=item.name
        )
    cast = (body_mesh(member.character) or member.character for member in playing(scene))
    offset = offset / unit_in_metres(scene, (Vector(mesh.dimensions).length for mesh in cast))
    if item.parent:
        offset = item.parent.matrix_world.inverted().to_3x3() @ offset
    # The delta moves the character with its animation: keys on its location stay as they are.
    item.delta_location = item.delta_location + offset


class _Mend:
    bl_idname: str
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    def mended(self, *names: str) -> Result:
        """Drop the findings that this button belongs to."""
        values = {name: getattr(self, name) for name in names}
        # Blender rewrites the bl_idname of an instance (ISA_OT_…); buttons need the one of the class.
        session().drop_findings(type(self).bl_idname, values)
        return {"FINISHED"}


class ISA_OT_show_frame(_Mend, bpy.types.Operator):
    bl_idname = "isa.show_frame"
    bl_label = "Show"
    bl_description = "Go to the frame, and select the character"

    frame: IntProperty()
    character: StringProperty()

    def execute(self, context) -> Result:
        context.scene.frame_set(self.frame)
        _select(context, self.character)
        return {"FINISHED"}


class ISA_OT_leave_out(_Mend, bpy.types.Operator):
    bl_idname = "isa.leave_out"
    bl_label = "Leave Out"
    bl_description = "Do not generate this character"

    character: StringProperty()

    def execute(self, context) -> Result:
        for member in playing(context.scene):
            if member.character.name_full == self.character:
                member.include = False
                return self.mended("character")
        return {"CANCELLED"}


class ISA_OT_move_apart(_Mend, Operator, bpy.types.Operator):
    bl_idname = "isa.move_apart"
    bl_label = "Move Apart"
    bl_description = "Move the character along the ground until the two only touch; its animation stays"

    character: StringProperty()
    offset: FloatVectorProperty(size=3, subtype="XYZ", description="In meters")

    def run(self, context) -> Result:
        item = _named(context.scene.objects, self.character)
        if item is None:
            return {"CANCELLED"}
        _move(context.scene, item, self.offset)
        # Not by the offset, which the button holds in single precision and the finding in double.
        return self.mended("character")


class ISA_OT_put_on_ground(_Mend, Operator, bpy.types.Operator):
    bl_idname = "isa.put_on_ground"
    bl_label = "Put on Ground"
    bl_description = "Lower the character onto what is under it; its animation stays"

    character: StringProperty()
    height: FloatProperty(description="In meters")

    def run(self, context) -> Result:
        item = _named(context.scene.objects, self.character)
        if item is None:
            return {"CANCELLED"}
        _move(context.scene, item, Vector((0, 0, -self.height)))
        return self.mended("character")


class ISA_OT_shorten_range(_Mend, bpy.types.Operator):
    bl_idname = "isa.shorten_range"
    bl_label = "Shorten"
    bl_description = "End the scene's frame range here"

    frame_end: IntProperty()

    def execute(self, context) -> Result:
        context.scene.frame_end = self.frame_end
        return {"FINISHED"}


class ISA_OT_use_frame_step(_Mend, bpy.types.Operator):
    bl_idname = "isa.use_frame_step"
    bl_label = "Frame Step"
    bl_description = "Generate a frame of so many; the others hold it"

    frame_step: IntProperty(min=1, default=1)

    def execute(self, context) -> Result:
        context.scene.frame_step = self.frame_step
        return {"FINISHED"}


class ISA_OT_use_model(_Mend, bpy.types.Operator):
    bl_idname = "isa.use_model"
    bl_label = "Use Model"
    bl_description = "Generate with this model"

    model: StringProperty()

    def execute(self, context) -> Result:
        if self.model not in models():
            return {"CANCELLED"}
        presets.use_model(self.model, context.scene)
        return {"FINISHED"}


class ISA_OT_use_detail(_Mend, bpy.types.Operator):
    bl_idname = "isa.use_detail"
    bl_label = "Use Detail"
    bl_description = "Generate on a smaller canvas, of so many tiles along its shorter side"

    detail: IntProperty(min=1, default=1)

    def execute(self, context) -> Result:
        context.scene.isa.detail = self.detail
        return {"FINISHED"}


class ISA_OT_paint_bodies(_Mend, bpy.types.Operator):
    bl_idname = "isa.paint_bodies"
    bl_label = "Paint Bodies"
    bl_description = "Paint people as they are posed, with a hand's breadth of room, and not in boxes"

    def execute(self, context) -> Result:
        context.scene.isa.painted = "mask"
        return self.mended()


class ISA_OT_paint_over_set(_Mend, bpy.types.Operator):
    bl_idname = "isa.paint_over_set"
    bl_label = "Paint Over"
    bl_description = "Turn Holdout off under Background: people are painted over all of the set"

    def execute(self, context) -> Result:
        context.scene.isa.background_holdout = False
        return self.mended()


class ISA_OT_go_there(_Mend, bpy.types.Operator):
    bl_idname = "isa.go_there"
    bl_label = "Go There"
    bl_description = (
        "Show the scene or the view layer in the window, so that its people are read, or the object"
    )

    scene: StringProperty()
    layer: StringProperty()
    item: StringProperty()

    def execute(self, context) -> Result:
        scene = _named(bpy.data.scenes, self.scene)
        if scene is None or (self.layer and self.layer not in scene.view_layers):
            return {"CANCELLED"}
        context.window.scene = scene
        if self.layer:
            context.window.view_layer = scene.view_layers[self.layer]
        _select(context, self.item)
        look_again()
        refresh_cast(scene)
        return {"FINISHED"}


class ISA_OT_scale_unit(_Mend, bpy.types.Operator):
    bl_idname = "isa.scale_unit"
    bl_label = "Scale Unit"
    bl_description = "Tell by the scene's unit scale how many meters its units are; nothing in it changes"

    factor: FloatProperty()

    def execute(self, context) -> Result:
        units = context.scene.unit_settings
        if units.system == "NONE":
            units.system, units.scale_length = "METRIC", 1.0
        units.scale_length *= self.factor
        return self.mended("factor")


CLASSES = (
    ISA_OT_go_there,
    ISA_OT_scale_unit,
    ISA_OT_show_frame,
    ISA_OT_leave_out,
    ISA_OT_move_apart,
    ISA_OT_paint_bodies,
    ISA_OT_paint_over_set,
    ISA_OT_put_on_ground,
    ISA_OT_shorten_range,
    ISA_OT_use_frame_step,
    ISA_OT_use_detail,
    ISA_OT_use_model,
)
