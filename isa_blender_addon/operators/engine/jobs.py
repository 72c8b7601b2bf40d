"""The buttons of the jobs. Nothing of a scene changes, so there is nothing to undo."""

import time
from pathlib import Path

import bpy
from bpy.props import BoolProperty, IntProperty, StringProperty

from isa_engine.client import EngineClient
from isa_engine.client.protocol import MAX_COMMENT, PRIORITIES

from ...engine.orders import keep_log
from ...engine.queue import Job
from ...session.current import session
from ...takes.files import LOG
from ...takes.shown import check_deletable
from ..kinds.operator import Operator, Result
from .open_log import show_text

# For a log to come, and between two looks whether it has.
_LOG_SECONDS, _LOOK_SECONDS = 15, 0.2


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

    def run(self, _context) -> Result | None:
        if self.job is None:
            return {"CANCELLED"}
        check_deletable(self.job.take)
        session().queue.remove(Path(self.take))
        session().keep_ticking()
        return {"FINISHED"}


class ISA_OT_hold_job(_OfJob, bpy.types.Operator):
    bl_idname = "isa.hold_job"
    bl_label = "Hold"
    bl_description = "Let the engine hold this job after its current step, or go on with it from there"

    resume: BoolProperty()

    def execute(self, _context) -> Result:
        order = EngineClient.resume if self.resume else EngineClient.hold
        return {"FINISHED"} if session().queue.order(Path(self.take), order) else {"CANCELLED"}


class ISA_OT_change_job(_OfJob, bpy.types.Operator):
    bl_idname = "isa.change_job"
    bl_label = "Job at the Engine"
    bl_description = "Priority of this job among yours at the engine, and a comment for its people"

    priority: IntProperty(name="Priority", min=PRIORITIES[0], max=PRIORITIES[-1])
    comment: StringProperty(name="Comment", maxlen=MAX_COMMENT)

    def invoke(self, context, _event) -> Result:
        if self.job is None:
            return {"CANCELLED"}
        self.priority, self.comment = self.job.snapshot.priority, self.job.snapshot.comment
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, _context) -> Result:
        values = {"priority": self.priority, "comment": self.comment}
        found = session().queue.order(Path(self.take), lambda client, job: client.change(job, **values))
        return {"FINISHED"} if found else {"CANCELLED"}


class ISA_OT_job_log(_OfJob, bpy.types.Operator):
    bl_idname = "isa.job_log"
    bl_label = "Job Log"
    bl_description = "Open what the engine did over this job as a text in Blender"

    def execute(self, context) -> Result:
        log = Path(self.take) / LOG
        before = log.stat().st_mtime_ns if log.is_file() else 0
        if not session().queue.order(log.parent, keep_log(log.parent)):
            if not before:
                self.report({"INFO"}, "The engine has told nothing of this job")
                return {"CANCELLED"}
            before = 0
        deadline, window = time.monotonic() + _LOG_SECONDS, context.window

        def look() -> float | None:
            """Show it when it is here; the engine is asked in the background."""
            if log.is_file() and log.stat().st_mtime_ns > before:
                show_text(log.parent.name, log.read_text(encoding="utf-8", errors="replace"), window)
                return None
            return _LOOK_SECONDS if time.monotonic() < deadline else None

        bpy.app.timers.register(look, first_interval=0.0)
        return {"FINISHED"}


CLASSES = (
    ISA_OT_cancel_job,
    ISA_OT_retry_job,
    ISA_OT_move_job,
    ISA_OT_remove_job,
    ISA_OT_hold_job,
    ISA_OT_change_job,
    ISA_OT_job_log,
)
