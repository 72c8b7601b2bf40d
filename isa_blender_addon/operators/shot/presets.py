"""Choosing, adding and removing presets. Using one can be undone; the list of them is no part of the file."""

import bpy
from bpy.props import StringProperty

from ...settings.presets import presets
from ..kinds.operator import Operator, Result


class _Named(Operator):
    name: StringProperty(name="Name", options={"SKIP_SAVE"})


class ISA_OT_use_preset(_Named, bpy.types.Operator):
    bl_idname = "isa.use_preset"
    bl_label = "Use Preset"
    bl_description = "Generate with these settings"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    def run(self, context) -> None:
        presets.use(self.name, context.scene)


class ISA_OT_add_preset(_Named, bpy.types.Operator):
    bl_idname = "isa.add_preset"
    bl_label = "Add Preset"
    bl_description = "Keep model, detail, steps, guidance and what is computed as a preset of your own"
    bl_options = {"INTERNAL"}

    def invoke(self, context, _event) -> Result:
        return context.window_manager.invoke_props_dialog(self)

    def run(self, context) -> None:
        presets.add(self.name, context.scene)


class ISA_OT_remove_preset(_Named, bpy.types.Operator):
    bl_idname = "isa.remove_preset"
    bl_label = "Remove Preset"
    bl_description = "Remove this preset of your own; the scene keeps its settings"
    bl_options = {"INTERNAL"}

    def run(self, _context) -> None:
        presets.remove(self.name)


CLASSES = (ISA_OT_use_preset, ISA_OT_add_preset, ISA_OT_remove_preset)
