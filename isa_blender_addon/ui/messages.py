"""What there is to say under *Generate*: one line, which a click opens.

So nothing below it moves while somebody works there, whatever is found, fails or arrives meanwhile.
"""

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import bpy
from bpy.props import BoolProperty

from ..engine.queue import Job
from ..language.translation import told, whole, words
from ..preflight.finding import Finding
from ..session.current import session
from ..session.reading.places import closed_place
from ..takes.take import HERE
from .engine import draw_engine_buttons, in_the_way
from .sentence import characters, sentence

# More than these are counted and not drawn.
_MOST = 6
# Characters that the arrow and its space take.
_ARROW = 4


@dataclass(frozen=True)
class Message:
    """A sentence and its buttons.

    Attributes:
        text: in the artist's language.
        icon: "ERROR" of what stands in the way of a good plate, else "INFO".
        draw: takes the context and a layout for the buttons; None: it has none.
        brief: what the one line says where the text's beginning would not tell what has happened.
    """

    text: str
    icon: Literal["ERROR", "INFO"] = "INFO"
    draw: Callable[[Any, Any], None] | None = None
    brief: str = ""


def messages(problem) -> list[Message]:
    """All there is to say, what weighs most first.

    Args:
        problem: why the scene cannot be generated, or None (``session.reading.readiness.obstacle``).
    """
    now, found = session(), []
    engine = now.engine.status()
    if in_the_way() and engine.state != "absent":
        found.append(Message(whole(engine.message), "ERROR", draw_engine_buttons))
    if problem:
        found.append(Message(whole(told(problem))))
    if not problem and (closed := closed_place(bpy.context.scene)):
        found.append(Message(whole(told(closed)), "ERROR"))
    # Of an engine that is absent the panel says more than a line.
    if now.trouble and not (engine.state == "absent" and now.trouble == engine.message):
        found.append(Message(whole(now.trouble), "ERROR"))
    found += [_of_lost(job) for job in now.jobs() if job.state == "lost"]
    found += [_of_failed(job) for job in now.jobs() if job.state == "failed"]
    if not problem:
        found += map(_of_finding, now.warnings)
    # Last: that all else is well is no reason to hide what is not.
    if now.note:
        found.append(Message(whole(now.note)))
    # What two say is said once.
    once: dict[str, Message] = {}
    for message in found:
        once.setdefault(message.text, message)
    return sorted(once.values(), key=lambda message: message.icon != "ERROR")


def _of_lost(job: Job) -> Message:
    """The same for all jobs of an engine, so that it is said once."""
    if job.take.engine.startswith(HERE):
        text = words(
            "The engine on this machine does not answer. Its takes go on as soon as it does: wait, or stop "
            "it and start it again."
        )
    else:
        text = words(
            "{engine} does not answer. Its takes go on as soon as it does: see whether it runs and can be "
            "reached, or cancel them.",
            engine=job.take.engine,
        )
    return Message(text, "ERROR", draw_engine_buttons)


def _of_failed(job: Job) -> Message:
    take = str(job.take.folder)

    def draw(_context, layout) -> None:
        row = layout.row(align=True)
        buttons = {"isa.retry_job": "Retry", "isa.job_log": "Log", "isa.remove_job": "Remove"}
        for operator, label in buttons.items():
            row.operator(operator, text=label).take = take

    # A take's name is spelled as it is, and fills the line alone: why it failed is what counts there.
    why = job.snapshot.error
    text = words("{take} failed: {error}", take=job.take.name, error=why)
    return Message(text, "ERROR", draw, words("Failed: {error}", error=why))


def _of_finding(finding: Finding) -> Message:
    def draw(_context, layout) -> None:
        row = layout.row(align=True)
        for mend in finding.mends:
            button = row.operator(mend.operator, text=words(mend.label, **mend.values))
            for name, value in mend.values.items():
                setattr(button, name, value)

    text = whole(words(finding.text, **finding.values))
    return Message(text, "ERROR" if finding.serious else "INFO", draw if finding.mends else None)


def draw_messages(context, layout, found: list[Message]) -> None:
    """A line; where the artist has opened it, each whole and with its buttons."""
    if not found:
        return
    first, manager = found[0], context.window_manager
    if len(found) == 1 and first.draw is None and len(first.text) <= characters(context, first.icon):
        sentence(context, layout, first.text, first.icon)
        return
    opened = manager.isa_messages
    row = layout.row(align=True)
    row.alignment = "LEFT"
    row.alert = first.icon == "ERROR"
    count = str(len(found)) if len(found) > 1 else ""
    arrow = "DOWNARROW_HLT" if opened else "RIGHTARROW"
    row.prop(manager, "isa_messages", text=count, icon=arrow, emboss=False, translate=False)
    # Blender would leave out the middle of it, which reads like noise.
    room = characters(context, first.icon) - len(count) - _ARROW
    text = textwrap.shorten(first.brief or first.text, room, placeholder="…")
    row.prop(manager, "isa_messages", text=text, icon=first.icon, emboss=False, translate=False)
    if not opened:
        return
    box = layout.box()
    for message in found[:_MOST]:
        sentence(context, box, message.text, message.icon)
        if message.draw:
            message.draw(context, box)
    if len(found) > _MOST:
        box.label(text=words("and {count} more", count=len(found) - _MOST))


def register() -> None:
    bpy.types.WindowManager.isa_messages = BoolProperty(  # type: ignore[attr-defined]
        name="All of It", description="Show each sentence whole, and its buttons", options={"SKIP_SAVE"}
    )


def unregister() -> None:
    del bpy.types.WindowManager.isa_messages  # type: ignore[attr-defined]
