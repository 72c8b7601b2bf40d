"""The one bar of what goes on: how far it is, how long yet, and its X; in the panel and in the status bar."""

from dataclasses import dataclass

import bpy

from ..engine.queue import Job
from ..language.translation import words
from ..session.current import session
from ..session.progress.course import Course
from ..session.reading.reading import Reading
from ..takes.take import Take

_MEBIBYTE = 2**20
_STATES = {
    "waiting": "Waiting",
    "resting": "Paused",
    "elsewhere": "Elsewhere",
    "sent": "Waiting",
    "uploading": "Sending the shot",
    "queued": "Queued",
    "held": "On Hold",
    "lost": "No answer",
    "fetching": "Fetching the plate",
    "failed": "Failed",
    "cancelled": "Canceled",
    "encode": "Reading references",
    "denoise": "Denoising",
    "decode": "Painting frames",
    "write": "Writing the plate",
}
_READING = {
    "read": "Reading {done} of {total}",
    "background": "Background {done} of {total}",
    "check": "Checking {total} frames",
}
# Of the status bar, in units of a button's height.
_WIDTH = 16


@dataclass(frozen=True)
class Bar:
    """What it shows.

    Attributes:
        text: what is being done, and how long yet; short, for a narrow sidebar.
        factor: of the whole way, 0 to 1.
        take: that its X cancels; None: the reading.
    """

    text: str
    factor: float
    take: Take | None = None


def bar() -> Bar | None:
    """Of the scene that is read, else of the take that comes next; None: nothing goes on."""
    now = session()
    if now.busy:
        return Bar(reading_text(now.reading), now.reading.course.factor)
    for job in now.queue.jobs():
        course = now.courses.of(job.take.folder)
        if course is not None and not job.stopped:
            return Bar(job_text(job, course), course.factor, job.take)
    return None


def draw_bar(layout) -> None:
    """In the panel."""
    shown = bar()
    if shown is not None:
        row = layout.row(align=True)
        row.progress(text=shown.text, factor=shown.factor)
        _draw_x(row, shown)


def _draw_x(row, shown: Bar) -> None:
    if shown.take:
        row.operator("isa.cancel_job", text="", icon="X").take = str(shown.take.folder)
    else:
        row.operator("isa.cancel", text="", icon="X")


def _in_status_bar(header, _context) -> None:
    shown = bar()
    if shown is not None:
        row = header.layout.row(align=True)
        side = row.row(align=True)
        side.ui_units_x = _WIDTH
        text = f"{shown.take.name} · {shown.text}" if shown.take else shown.text
        side.progress(text=text, factor=shown.factor)
        _draw_x(row, shown)


def reading_text(reading: Reading) -> str:
    """What is being read, in words."""
    phase, done, total = reading.progress
    return words(_READING[phase], done=done, total=total) + _time_left(reading.course)


def job_text(job: Job, course: Course | None) -> str:
    """What is going on with a job, and how long yet, which nobody knows of an engine that does not answer."""
    known = course is not None and job.state != "lost"
    return _state_text(job) + (_time_left(course) if known else "")


def _state_text(job: Job) -> str:
    now, state = job.snapshot, job.state
    phase = words(_STATES.get(now.phase if state == "running" else state, "Starting"))
    if state == "uploading" and now.steps:
        sent, whole = now.step / _MEBIBYTE, now.steps / _MEBIBYTE
        return words("{phase} {sent:.1f}/{whole:.1f} MB", phase=phase, sent=sent, whole=whole)
    return f"{phase} {now.step}/{now.steps}" if state == "running" and now.steps else phase


def _time_left(course: Course) -> str:
    """Until the plate is there; empty in the last moment."""
    minutes, seconds = divmod(round(course.left), 60)
    if not minutes and not seconds:
        return ""
    return words(" · {minutes}:{seconds:02} left", minutes=minutes, seconds=seconds)


def register() -> None:
    bpy.types.STATUSBAR_HT_header.append(_in_status_bar)  # type: ignore[arg-type]


def unregister() -> None:
    bpy.types.STATUSBAR_HT_header.remove(_in_status_bar)  # type: ignore[arg-type]
