"""The shot's takes: what each looks like, how it was made, and its buttons."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty

from isa_engine.results.files import PLATE

from ..language.translation import words
from ..session.current import session
from ..takes.ids import known_shot_id
from ..takes.places import same
from ..takes.shown import other_folder, shown_folder
from ..takes.take import Take
from .remaking import draw_remaking
from .sentence import both_ends, units
from .sidebar import InSidebar
from .thumbnails import icon

# More takes than this are drawn on request, lest they push the panels below out of the window.
_MOST = 4
# Height of a take's picture, in icons, and its share of the width.
_SCALE, _SHARE = 3.4, 0.24
# Of the button that compares, in heights of a button: what is beside the two names, in it and in the sidebar.
_BESIDE = 5.6


class ISA_PT_takes(InSidebar, bpy.types.Panel):
    bl_label = "Takes"
    bl_order = 3

    @classmethod
    def poll(cls, context) -> bool:
        return bool(_takes(context.scene))

    def draw(self, context) -> None:
        layout, scene, manager = self.layout, context.scene, context.window_manager
        takes, shown = _takes(scene), shown_folder(scene)
        if len(takes) > 1:
            text = _compared(context, shown, other_folder(scene))
            layout.operator("isa.compare_takes", text=text, icon="UV_SYNC_SELECT")
        for take in takes if manager.isa_all_takes else takes[:_MOST]:
            _draw_take(layout, take, shown is not None and same(take.folder, shown))
        if len(takes) > _MOST:
            text = words("All {count} Takes", count=len(takes))
            layout.prop(manager, "isa_all_takes", text=text, toggle=True)


def _compared(context, shown: Path | None, other: Path | None) -> str:
    """What is compared with what. Names of a scene's takes differ in the number at their ends."""
    if not shown or not other:
        return words("Compare A|B")
    room = (units(context) - _BESIDE) / 2
    names = (both_ends(context, folder.name, room) for folder in (shown, other))
    return words("A|B: {shown} | {other}", **dict(zip(("shown", "other"), names, strict=True)))


def _draw_take(layout, take: Take, shown: bool) -> None:
    folder, settings = str(take.folder), take.settings
    # Names stand below each other, whatever is beside the pictures.
    row = layout.split(factor=_SHARE)
    row.template_icon(icon_value=icon(take.folder / PLATE, kind="MOVIE"), scale=_SCALE)
    column = row.column(align=True)
    title = column.row(align=True)
    title.label(text=take.name, translate=False)
    pinned = "PINNED" if take.pinned else "UNPINNED"
    title.operator("isa.pin_take", text="", icon=pinned, emboss=False).take = folder
    made = column.row()
    made.active = False
    first, last, _ = take.frames
    frames = {"first": first, "last": last, "seed": settings.seed, "steps": settings.steps}
    made.label(text=words("{first}–{last} · seed {seed} · {steps} steps", **frames))
    buttons = column.row(align=True)
    button = buttons.operator("isa.show_take", text="Shown" if shown else "Show", depress=shown)
    button.take = folder
    buttons.operator("isa.use_settings", text="", icon="COPYDOWN").take = folder
    delete = buttons.row(align=True)
    delete.enabled = not (take.pinned or shown)
    delete.operator("isa.delete_take", text="", icon="TRASH").take = folder
    if shown:
        draw_remaking(layout, bpy.context.scene, take)


def _takes(scene) -> list[Take]:
    return session().queue.takes(known_shot_id(scene)) if known_shot_id(scene) else []


CLASSES = (ISA_PT_takes,)


def register() -> None:
    bpy.types.WindowManager.isa_all_takes = BoolProperty(  # type: ignore[attr-defined]
        name="All Takes", description="Show the older ones, too", options={"SKIP_SAVE"}
    )


def unregister() -> None:
    del bpy.types.WindowManager.isa_all_takes  # type: ignore[attr-defined]
