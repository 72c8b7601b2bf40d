"""Preferences: which engine, and the cache. They are the user's, and never saved in a .blend."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

ADDON = __package__.rpartition(".")[0]
# Functions that draw a section of the preferences, given a layout and them; rooms above hang theirs here.
sections: list[Callable[[Any, Any], None]] = []


@dataclass
class Choices:
    """The same fields where the add-on is not enabled as one: in Blender's Python module."""

    engine: str = "LOCAL"
    engine_python: str = ""
    remote_url: str = ""
    remote_token: str = ""
    cache: str = ""
    notify: bool = False
    sound: bool = False


def whole_path(text: str) -> str:
    """The whole path of a folder that belongs to no file: what a file browser has written from the open file
    on, and what is typed in part, would be another place in another file, or wherever Blender is started."""
    text = text.strip()
    return os.path.abspath(bpy.path.abspath(os.path.expanduser(text))) if text else ""


def _make_whole(chosen, _context) -> None:
    if (whole := whole_path(chosen.cache)) != chosen.cache:
        chosen.cache = whole


class Preferences(bpy.types.AddonPreferences):
    bl_idname = ADDON

    engine: EnumProperty(
        name="Engine",
        items=[
            ("LOCAL", "This Machine", "The engine that install/engine.sh has installed here"),
            ("REMOTE", "Remote", "An engine that runs elsewhere"),
        ],
    )
    engine_python: StringProperty(
        name="Engine's Python",
        description="Leave empty to use the engine that install/engine.sh has installed",
        subtype="FILE_PATH",
    )
    remote_url: StringProperty(name="Address", description="Such as https://gpu-host:8000")
    remote_token: StringProperty(name="Token", description="As the engine printed it", subtype="PASSWORD")
    cache: StringProperty(
        name="Cache",
        description="Where backgrounds and the takes of unsaved files are kept. Empty: a temporary folder",
        subtype="DIR_PATH",
        update=_make_whole,
    )

    notify: BoolProperty(
        name="On the Desktop",
        description="Tell of a take's end on the desktop, where the system has notify-send or is macOS",
        default=True,
    )
    sound: BoolProperty(name="By a Sound", description="Tell of a take's end by two tones")

    def draw(self, context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "engine", expand=True)
        draw_engine(layout, self)
        column = layout.column(heading="Tell of a Take's End")
        column.prop(self, "notify")
        column.prop(self, "sound")
        for section in sections:
            section(layout, self)


def draw_engine(layout, chosen) -> None:
    """The fields of the chosen kind of engine."""
    if chosen.engine == "LOCAL":
        layout.prop(chosen, "engine_python")
    else:
        layout.prop(chosen, "remote_url")
        layout.prop(chosen, "remote_token")


def preferences() -> Preferences | Choices:
    """The user's choices."""
    addon: Any = bpy.context.preferences.addons.get(ADDON)
    return addon.preferences if addon and addon.preferences else Choices()


CLASSES = (Preferences,)
