"""A small window to enter a remote engine, or to go back to this machine's."""

import bpy

from ..preferences.choices import Preferences, draw_engine, preferences
from .operator import Result


class ISA_OT_choose_engine(bpy.types.Operator):
    bl_idname = "isa.choose_engine"
    bl_label = "Engine"
    bl_description = "Choose between this machine's engine and a remote one"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, _context) -> bool:
        cls.poll_message_set("Enable the add-on in the preferences first")
        return isinstance(preferences(), Preferences)

    def invoke(self, context, _event) -> Result:
        return context.window_manager.invoke_props_dialog(self, width=420)

    def draw(self, _context) -> None:
        # The preferences' own fields: properties of an operator would be kept among its last values, token
        # included.
        layout = self.layout
        layout.use_property_split = True
        layout.row().prop(preferences(), "engine", expand=True)
        draw_engine(layout, preferences())

    def execute(self, _context) -> Result:
        return {"FINISHED"}


CLASSES = (ISA_OT_choose_engine,)
