"""The buttons of the jobs. Nothing of a scene changes, so there is nothing to undo."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, StringProperty

from ..engine.queue import Job
from ..session.current import session
from ..takes.shown import why_kept
from .operator import Operator, Result


class _OfJob(Operator):
    bl_options = {"INTERNAL"}

    take: StringProperty(name="Take", description="Its folder")

    @property
    def job(self) -> Job | None:
        """The one that is meant; None where it has ended in the meantime."""
        return next((job for job in session().queue.jobs() if job.take.folder == Path(self.take)), None)


class ISA_OT_cancel_job(_OfJob, bpy.types.Operator):
    bl_idname = "isa.cancel_job"
    bl_label = "Cancel"
    bl_description = "End this job; it can be begun again"

    def execute(self, _context) -> Result:
        if self.job is None:
            return {"CANCELLED"}
        session().queue.cancel(Path(self.take))
        session().keep_ticking()
        return {"FINISHED"}


class ISA_OT_retry_job(_OfJob, bpy.types.Operator):
    bl_idname = "isa.retry_job"
    bl_label = "Go On"
    bl_description = "Go on with this job where it stopped, or begin it again"

    def run(self, _context) -> Result | None:
        if self.job is None:
            return {"CANCELLED"}
        session().start_engine()
        session().queue.retry(Path(self.take))
        return {"FINISHED"}


class ISA_OT_move_job(_OfJob, bpy.types.Operator):
    bl_idname = "isa.move_job"
    bl_label = "Move"
    bl_description = "Change places with the job before or after this one"

    down: BoolProperty()

    def execute(self, _context) -> Result:
        if self.job is None or not self.job.movable:
            return {"CANCELLED"}
        session().queue.move(Path(self.take), self.down)
        session().keep_ticking()
        return {"FINISHED"}


class ISA_OT_remove_job(_OfJob, bpy.types.Operator):
    bl_idname = "isa.remove_job"
    bl_label = "Remove"
    bl_description = "Forget this job, with its files"

    def execute(self, _context) -> Result:
        if self.job is None:
            return {"CANCELLED"}
        if reason := why_kept(self.job.take):
            self.report({"ERROR"}, reason)
            return {"CANCELLED"}
        session().queue.remove(Path(self.take))
        session().keep_ticking()
        return {"FINISHED"}


CLASSES = (ISA_OT_cancel_job, ISA_OT_retry_job, ISA_OT_move_job, ISA_OT_remove_job)
