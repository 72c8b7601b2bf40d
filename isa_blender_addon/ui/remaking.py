"""Under the take that is shown: the frames that can be made again, and those that it does not have yet."""

from ..language.translation import words
from ..session.current import session
from ..session.generating import expected
from ..session.reading.remaking import made_again
from ..takes.take import Take
from .duration import duration


def draw_remaking(layout, scene, take: Take) -> None:
    """Of a scene that begins with another frame nothing can be kept."""
    first, last, _ = take.frames
    if scene.frame_start != first:
        return
    # One below the other: side by side neither has room for its frames and its time.
    column = layout.column(align=True)
    if scene.use_preview_range:
        begin, end = scene.frame_preview_start, scene.frame_preview_end
        text = words("Remake {first}–{last}", first=begin, last=end) + _about(scene, take, (begin, end))
        button = column.operator("isa.remake_range", text=text, icon="FILE_REFRESH")
        button.what, button.first, button.last = "RANGE", begin, end
    else:
        button = column.operator("isa.remake_range", text="Remake What Changed", icon="FILE_REFRESH")
        button.what = "CHANGED"
    button.take = str(take.folder)
    numbers = range(scene.frame_start, scene.frame_end + 1, scene.frame_step)
    if numbers and numbers[-1] > last:
        text = words("Extend to {last}", last=scene.frame_end) + _about(scene, take, None)
        button = column.operator("isa.remake_range", text=text, icon="FORWARD")
        button.take, button.what = str(take.folder), "EXTEND"


def _about(scene, take: Take, frames: tuple[int, int] | None) -> str:
    """How long it takes; before anything is known of the engine it would be a guess."""
    now = session()
    made = made_again(scene, take, frames) if now.engine.health else ()
    return duration(sum(expected(now, scene, made).values())) if made else ""
