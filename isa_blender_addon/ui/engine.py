"""The engine: one line where all is well, and what to do where it is not."""

import bpy

from ..language.translation import words
from ..preferences.choices import preferences
from ..session.current import session
from .sentence import sentence
from .sidebar import InSidebar

_ICONS = {
    "ready": "RADIOBUT_ON",
    "starting": "SORTTIME",
    "stopped": "RADIOBUT_OFF",
    "absent": "ERROR",
    "failed": "ERROR",
}


class ISA_PT_engine(InSidebar, bpy.types.Panel):
    bl_label = ""
    bl_order = 8
    bl_options = {"DEFAULT_CLOSED"}

    def draw_header(self, context) -> None:
        now = session()
        icon = "ERROR" if now.engine.trouble else _ICONS[now.engine.status().state]
        self.layout.label(text=engine_line(context.scene), translate=False, icon=icon)

    def draw(self, context) -> None:
        draw_engine(context, self.layout)


def engine_line(scene) -> str:
    """Whose engine it is, its model and its device: "This machine · isa-tiny · CPU"."""
    chosen, health = preferences(), session().engine.health
    where = words("This machine") if chosen.engine == "LOCAL" else session().engine.name
    # Of several workers each has a device of its own.
    devices = (
        dict.fromkeys(part.partition(":")[0].upper() for part in health.device.split(",")) if health else {}
    )
    return " · ".join([where or words("Remote engine"), scene.isa.model, *filter(None, devices)])


def in_the_way() -> bool:
    """Whether nothing can be generated before somebody has seen to the engine."""
    engine = session().engine
    return engine.status().state in ("absent", "failed") or bool(engine.refused)


def draw_engine(context, layout) -> None:
    """How it stands, and its buttons."""
    now = session()
    status = now.engine.status()
    sentence(context, layout, status.message, _ICONS[status.state])
    if status.state == "ready" and now.engine.trouble:
        sentence(context, layout, now.engine.trouble, "ERROR")
    draw_engine_buttons(context, layout)


def draw_engine_buttons(_context, layout) -> None:
    """What can be done about it."""
    now, local = session(), preferences().engine == "LOCAL"
    status = now.engine.status()
    if now.engine.refused and not local:
        layout.operator("isa.choose_engine", text="Enter Token", icon="KEY_HLT")
    if status.state == "absent" and local:
        layout.operator("isa.how_to_install")
    row = layout.row(align=True)
    if status.state == "ready" and local:
        row.operator("isa.stop_engine")
    elif status.state in ("stopped", "failed"):
        row.operator("isa.start_engine", text="Start" if local else "Connect")
    elif status.state == "absent" and local:
        row.operator("isa.start_engine", text="Look Again")
    row.operator("isa.choose_engine", text="Remote Engine" if local else "Change")
    if local:
        row.operator("isa.open_log", text="", icon="TEXT")


CLASSES = (ISA_PT_engine,)
