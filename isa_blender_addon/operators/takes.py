"""The buttons of the takes. What they change in a scene can be undone; files that are deleted are gone."""

from pathlib import Path

import bpy
from bpy.props import StringProperty

from isa_engine.errors import IsaError

from ..engine.take import Take
from ..session import redraw, session
from ..takes import other_folder, show_results, show_take, shown_folder, use_settings
from ..translation import said, told, words
from .result import Result


class _OfTake:
    take: StringProperty(name="Take", description="Its folder", options={"HIDDEN"})

    @property
    def found(self) -> Take | None:
        """The one that is meant; None where it has gone in the meantime."""
        return session().queue.take(Path(self.take))


class ISA_OT_show_take(_OfTake, bpy.types.Operator):
    bl_idname = "isa.show_take"
    bl_label = "Show"
    bl_description = "Let the plate show this take"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    def execute(self, context) -> Result:
        if self.found is None:
            return {"CANCELLED"}
        try:
            show_take(context.scene, self.found)
        except IsaError as error:
            self.report({"ERROR"}, told(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class ISA_OT_compare_takes(bpy.types.Operator):
    bl_idname = "isa.compare_takes"
    bl_label = "Compare A|B"
    bl_description = "Change between the take that is shown and the one that was shown before it"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context) -> bool:
        cls.poll_message_set("Show another take first")
        return other_folder(context.scene) is not None and shown_folder(context.scene) is not None

    def execute(self, context) -> Result:
        try:
            show_results(context.scene, other_folder(context.scene))
        except IsaError as error:
            self.report({"ERROR"}, told(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class ISA_OT_use_settings(_OfTake, bpy.types.Operator):
    bl_idname = "isa.use_settings"
    bl_label = "Use These Settings"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    @classmethod
    def description(cls, _context, properties) -> str:
        take = session().queue.take(Path(properties.take))
        if take is None:
            return ""
        made = take.settings
        return words(
            "{model}, {steps} steps, guidance {guidance:.4g}, seed {seed}",
            model=made.model,
            steps=made.steps,
            guidance=made.guidance,
            seed=made.seed,
        )

    def execute(self, context) -> Result:
        if self.found is None:
            return {"CANCELLED"}
        try:
            use_settings(context.scene, self.found)
        except IsaError as error:
            self.report({"ERROR"}, told(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class ISA_OT_pin_take(_OfTake, bpy.types.Operator):
    bl_idname = "isa.pin_take"
    bl_label = "Pin"
    bl_description = "Keep this take on top, and from being deleted"
    bl_options = {"INTERNAL"}

    def execute(self, _context) -> Result:
        if self.found is None:
            return {"CANCELLED"}
        session().queue.mark(self.found.folder, pinned=not self.found.pinned)
        session().keep_ticking()
        redraw()
        return {"FINISHED"}


class ISA_OT_delete_take(_OfTake, bpy.types.Operator):
    bl_idname = "isa.delete_take"
    bl_label = "Delete Take"
    bl_description = "Delete this take's files for good"
    bl_options = {"INTERNAL"}

    def invoke(self, context, event) -> Result:
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, _context) -> Result:
        if self.found is None:
            return {"CANCELLED"}
        if reason := self._kept():
            self.report({"ERROR"}, reason)
            return {"CANCELLED"}
        session().queue.remove(self.found.folder)
        redraw()
        return {"FINISHED"}

    def _kept(self) -> str:
        """Why it must stay; empty if it need not."""
        if self.found.pinned:
            return said("{take} is pinned. Unpin it first.", take=self.found.name)
        for scene in bpy.data.scenes:
            if shown_folder(scene) == self.found.folder:
                return said(
                    "{take} is the plate of scene '{scene}'. Show another take first.",
                    take=self.found.name,
                    scene=scene.name,
                )
        return ""


CLASSES = (
    ISA_OT_show_take,
    ISA_OT_compare_takes,
    ISA_OT_use_settings,
    ISA_OT_pin_take,
    ISA_OT_delete_take,
)
