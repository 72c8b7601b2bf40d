"""The jobs: how far each is, and its buttons."""

import bpy

from ..engine.queue import Job
from ..language.translation import words
from ..session.current import session
from ..takes.take import HERE
from .bar import state_text, time_left
from .sentence import sentence
from .thumbnails import icon

# More jobs than this are counted and not drawn, lest they push the panels below out of the window.
_MOST = 8
# Height of the preview, in icons.
_PREVIEW_SCALE = 8
# What goes on now, and does not wait for something else.
_MOVING = ("uploading", "running", "fetching")
_ICONS = {
    "failed": "ERROR",
    "cancelled": "CANCEL",
    "resting": "PAUSE",
    "held": "PAUSE",
    "elsewhere": "URL",
    "lost": "UNLINKED",
}


class ISA_PT_jobs(bpy.types.Panel):
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "ISA"
    bl_label = "Jobs"
    # Below what the artist works with, which its rows and pictures would move.
    bl_order = 4

    @classmethod
    def poll(cls, _context) -> bool:
        return bool(session().jobs())

    def draw(self, context) -> None:
        jobs = session().jobs()
        movable = [job.take.folder for job in jobs if job.movable]
        for job in jobs[:_MOST]:
            draw_job(context, self.layout, job, movable)
        if len(jobs) > _MOST:
            self.layout.label(text=words("and {count} more", count=len(jobs) - _MOST))


def draw_job(context, layout, job: Job, movable: list) -> None:
    """Its name and buttons; beneath, how far it is, and the picture as it looks so far.

    Args:
        movable: folders of the takes whose places can be changed, in order.
    """
    column, take = layout.column(align=True), str(job.take.folder)
    course = session().courses.of(job.take.folder)
    state = state_text(job) + (time_left(course) if course else "")
    row = column.row(align=True)
    if course is None or job.state not in _MOVING:
        row.label(text=f"{job.take.name} · {state}", translate=False, icon=_ICONS.get(job.state, "SORTTIME"))
    else:
        first, last, _ = job.take.frames
        row.label(text=f"{job.take.name} · {first}–{last}", translate=False, icon="RENDER_ANIMATION")
    if job.take.folder in movable and len(movable) > 1:
        place = movable.index(job.take.folder)
        for down, symbol, end in ((False, "TRIA_UP", 0), (True, "TRIA_DOWN", len(movable) - 1)):
            side = row.row(align=True)
            side.enabled = place != end
            button = side.operator("isa.move_job", text="", icon=symbol)
            button.take, button.down = take, down
    if job.state in ("queued", "running", "held"):
        held = job.state == "held"
        button = row.operator("isa.hold_job", text="", icon="PLAY" if held else "PAUSE")
        button.take, button.resume = take, held
        row.operator("isa.change_job", text="", icon="PREFERENCES").take = take
    if job.state in ("queued", "running", "held", "failed"):
        row.operator("isa.job_log", text="", icon="TEXT").take = take
    if job.stopped:
        row.operator("isa.retry_job", text="", icon="FILE_REFRESH").take = take
        row.operator("isa.remove_job", text="", icon="TRASH").take = take
    else:
        row.operator("isa.cancel_job", text="", icon="X").take = take
    if course is not None and job.state in _MOVING:
        column.progress(text=state, factor=course.factor)
    for remark in (job.snapshot.comment, _remark(job), job.snapshot.said):
        if remark:
            sentence(context, column, remark)
    if job.snapshot.preview and not job.stopped:
        picture = icon(job.snapshot.preview, job.snapshot.preview_version, at_once=True)
        column.template_icon(icon_value=picture, scale=_PREVIEW_SCALE)


def _remark(job: Job) -> str:
    """Why it does not go on by itself; empty where that is plain, or said under Generate."""
    if job.state == "failed":
        return ""
    if job.state != "elsewhere":
        return job.snapshot.error
    if job.take.engine.startswith(HERE):
        return words("Another engine of this machine has it. Choose that one, or begin again here.")
    engine = job.take.engine
    return words("The engine {engine} has it. Choose that one, or begin again here.", engine=engine)


CLASSES = (ISA_PT_jobs,)
