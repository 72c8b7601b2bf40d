"""Under the take that is shown: the frames that can be made again, and those that it does not have yet."""

from ..language.translation import words
from ..takes.take import Take


def draw_remaking(layout, scene, take: Take) -> None:
    first, last, _ = take.frames
    row = layout.row(align=True)
    if scene.use_preview_range:
        begin, end = scene.frame_preview_start, scene.frame_preview_end
        text = words("Remake {first}–{last}", first=begin, last=end)
        button = row.operator("isa.remake_range", text=text, icon="FILE_REFRESH")
        button.take, button.first, button.last = str(take.folder), begin, end
    elif scene.frame_start != first or scene.frame_end <= last:
        row.active = False
        row.label(text="To remake frames, set a preview range", icon="PREVIEW_RANGE")
    if scene.frame_start == first and scene.frame_end > last:
        text = words("Extend to {last}", last=scene.frame_end)
        button = row.operator("isa.remake_range", text=text, icon="FORWARD")
        button.take, button.extend = str(take.folder), True
