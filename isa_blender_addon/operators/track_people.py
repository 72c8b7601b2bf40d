"""Follow the people in a video, and add a character for each."""

from pathlib import Path

import bpy
from bpy.props import IntProperty, StringProperty

from isa_engine.data.footage.track_formats import detected_video
from isa_engine.errors import Cancelled, IsaError

from ..language.translation import said
from ..session import tracking
from ..session.window import redraw
from .import_people import BringsPeople
from .operator import Result

_POLL_SECONDS = 0.3


class ISA_OT_track_people(BringsPeople, bpy.types.Operator):
    bl_idname = "isa.track_people"
    bl_label = "Follow People"
    bl_description = "Find the people in a video, follow them, and add a character for each"

    filepath: StringProperty(subtype="FILE_PATH", options={"HIDDEN", "SKIP_SAVE"})
    start_frame: IntProperty(default=1, options={"HIDDEN", "SKIP_SAVE"})
    body: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls, _context) -> bool:
        cls.poll_message_set("Let the video end whose people are being followed")
        return tracking.current() is None

    def invoke(self, context, _event) -> Result:
        try:
            self._tracking = tracking.start(Path(self.filepath))
        except IsaError as error:
            return self.fail(error)
        manager = context.window_manager
        self._timer = manager.event_timer_add(_POLL_SECONDS, window=context.window)
        manager.modal_handler_add(self)
        redraw()
        return {"RUNNING_MODAL"}

    def modal(self, context, event) -> Result:
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        redraw()
        now = tracking.current()
        if now is not None and (not now.over or context.mode != "OBJECT"):
            return {"PASS_THROUGH"}
        context.window_manager.event_timer_remove(self._timer)
        # The add-on may have been disabled meanwhile.
        if now is None:
            return {"CANCELLED"}
        try:
            return self._end(context) or {"FINISHED"}
        except IsaError as error:
            return self.fail(error)

    def cancel(self, context) -> None:
        """Blender closes or opens another file."""
        context.window_manager.event_timer_remove(self._timer)
        tracking.close()

    def run(self, context) -> Result | None:
        self._tracking = tracking.start(Path(self.filepath))
        return self._end(context)

    def _end(self, context) -> Result | None:
        try:
            tracks = tracking.finish()
        except Cancelled:
            self.report({"INFO"}, said("Cancelled."))
            return {"CANCELLED"}
        finally:
            redraw()
        try:
            self.bring_in(context, tracks, "detected", *detected_video(tracks))
        finally:
            self._tracking.forget()


class ISA_OT_stop_tracking(bpy.types.Operator):
    bl_idname = "isa.stop_tracking"
    bl_label = "Cancel"
    bl_description = "Stop following people"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, _context) -> bool:
        return tracking.current() is not None

    def execute(self, _context) -> Result:
        tracking.current().cancel()
        return {"FINISHED"}


CLASSES = (ISA_OT_track_people, ISA_OT_stop_tracking)
