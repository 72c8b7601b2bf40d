"""A small window to enter a remote engine, or to go back to this machine's; and how to install one."""

import sys
from pathlib import Path

import bpy

from ...engine.installing import how_to_install
from ...preferences.choices import Preferences, draw_engine, preferences
from ...session.current import session
from ..kinds.operator import Operator, Result
from .open_log import show_text

# What the window changes.
_FIELDS = ("engine", "engine_python", "remote_url", "remote_token")


class ISA_OT_choose_engine(Operator, bpy.types.Operator):
    bl_idname = "isa.choose_engine"
    bl_label = "Engine"
    bl_description = "Choose between this machine's engine and a remote one"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, _context) -> bool:
        cls.poll_message_set("Enable the add-on in the preferences first")
        return isinstance(preferences(), Preferences)

    def invoke(self, context, _event) -> Result:
        # Not as properties of the operator, which Blender keeps among its last values, token included.
        self._before = {field: getattr(preferences(), field) for field in _FIELDS}
        return context.window_manager.invoke_props_dialog(self, width=420)

    def draw(self, _context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.row().prop(preferences(), "engine", expand=True)
        draw_engine(layout, preferences())

    def cancel(self, _context) -> None:
        """The window edits the preferences' own fields: they are as before."""
        for field, value in self._before.items():
            setattr(preferences(), field, value)

    def run(self, _context) -> None:
        if preferences().engine == "REMOTE":
            session().start_engine()

    def fail(self, error) -> Result:
        session().fail(error)
        return super().fail(error)


class ISA_OT_how_to_install(bpy.types.Operator):
    bl_idname = "isa.how_to_install"
    bl_label = "How to Install"
    bl_description = "Show the lines that install an engine on this machine"

    def execute(self, context) -> Result:
        wheels = Path(__file__).resolve().parents[2] / "wheels"
        show_text("ISA Engine", how_to_install(wheels, sys.platform), context.window)
        return {"FINISHED"}


CLASSES = (ISA_OT_choose_engine, ISA_OT_how_to_install)
