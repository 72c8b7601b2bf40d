"""The jobs: how far each is, and its buttons."""

import bpy

from ..engine.queue import Job
from ..language.translation import words
from ..session.current import session
from ..takes.take import HERE
from .bar import job_text
from .sentence import both_ends, sentence, units
from .sidebar import InSidebar
from .thumbnails import icon

# More jobs than this are counted and not drawn, lest they push the panels below out of the window.
_MOST = 8
# Height of the preview, in icons.
_PREVIEW_SCALE = 8
# What a button takes of a line, and what else is beside the name: icon, margins and the sidebar's tabs. In
# heights of a button.
_BUTTON, _BESIDE = 1.0, 4.1
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


class ISA_PT_jobs(InSidebar, bpy.types.Panel):
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
    column = layout.column(align=True)
    course = session().courses.of(job.take.folder)
    state = job_text(job, course)
    moving = course is not None and job.state in _MOVING
    symbol = "RENDER_ANIMATION" if moving else _ICONS.get(job.state, "SORTTIME")
    row = column.row(align=True)
    # The buttons say how much room is left for the name, which is to the left of them.
    name, buttons = row.row(align=True), row.row(align=True)
    count = _draw_buttons(buttons, job, movable)
    first, last, _ = job.take.frames
    room = units(context) - _BESIDE - _BUTTON * count
    # Blender leaves out the end, and with it the number that tells this take from the others of the scene.
    text = both_ends(context, f"{first}–{last} · {job.take.name}", room)
    name.label(text=text, translate=False, icon=symbol)
    if moving:
        column.progress(text=state, factor=course.factor)
    else:
        sentence(context, column, state)
    for remark in (job.snapshot.comment, _remark(job), job.snapshot.said):
        if remark:
            sentence(context, column, remark)
    if job.snapshot.preview and not job.stopped:
        picture = icon(job.snapshot.preview, job.snapshot.preview_version, at_once=True)
        column.template_icon(icon_value=picture, scale=_PREVIEW_SCALE)


def _draw_buttons(row, job: Job, movable: list) -> int:
    """Of a job; how many they are. ``movable`` as of ``draw_job``."""
    take, found = str(job.take.folder), 0

    def button(name: str, icon: str, enabled: bool = True):
        nonlocal found
        found += 1
        side = row.row(align=True)
        side.enabled = enabled
        return side.operator(name, text="", icon=icon)

    if job.take.folder in movable and len(movable) > 1:
        place = movable.index(job.take.folder)
        for down, symbol, end in ((False, "TRIA_UP", 0), (True, "TRIA_DOWN", len(movable) - 1)):
            move = button("isa.move_job", symbol, place != end)
            move.take, move.down = take, down
    if job.state in ("queued", "running", "held"):
        held = job.state == "held"
        hold = button("isa.hold_job", "PLAY" if held else "PAUSE")
        hold.take, hold.resume = take, held
        button("isa.change_job", "PREFERENCES").take = take
    if job.state in ("queued", "running", "held", "failed"):
        button("isa.job_log", "TEXT").take = take
    if job.stopped:
        button("isa.retry_job", "FILE_REFRESH").take = take
        button("isa.remove_job", "TRASH").take = take
    else:
        button("isa.cancel_job", "X").take = take
    return found


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
