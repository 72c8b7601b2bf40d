"""Follow the people in a video, and add a character for each."""

from pathlib import Path

import bpy
from bpy.props import IntProperty, StringProperty

from isa_engine.data.footage.detected import detected_video

from ...blender.window import redraw
from ...session.programs.tracking import Tracking, under_way
from ..kinds.operator import Result
from ..kinds.waiting import WaitingOperator
from .import_people import BringsPeople


class ISA_OT_track_people(WaitingOperator, BringsPeople, bpy.types.Operator):
    bl_idname = "isa.track_people"
    bl_label = "Follow People"
    bl_description = "Find the people in a video, follow them, and add a character for each"

    filepath: StringProperty(subtype="FILE_PATH", options={"HIDDEN", "SKIP_SAVE"})
    start_frame: IntProperty(default=1, options={"HIDDEN", "SKIP_SAVE"})
    body: StringProperty(options={"HIDDEN", "SKIP_SAVE"})
    every = 0.3

    @classmethod
    def poll(cls, _context) -> bool:
        cls.poll_message_set("Let the video end whose people are being followed")
        return under_way.current is None

    def begin(self, _context) -> None:
        self._tracking = under_way.begin(Tracking(Path(self.filepath)))
        redraw()

    def look(self, context) -> bool:
        redraw()
        now = under_way.current
        return now is None or (now.command.over and context.mode == "OBJECT")

    def end(self, context) -> Result | None:
        # The add-on may have been disabled meanwhile.
        if under_way.current is None:
            return {"CANCELLED"}
        try:
            tracks = under_way.finish()
        finally:
            redraw()
        try:
            self.bring_in(context, tracks, "detected", *detected_video(tracks))
        finally:
            self._tracking.forget()

    def leave(self, _context) -> None:
        under_way.close()


class ISA_OT_stop_tracking(bpy.types.Operator):
    bl_idname = "isa.stop_tracking"
    bl_label = "Cancel"
    bl_description = "Stop following people"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, _context) -> bool:
        return under_way.current is not None

    def execute(self, _context) -> Result:
        under_way.current.command.cancel()
        return {"FINISHED"}


CLASSES = (ISA_OT_track_people, ISA_OT_stop_tracking)
