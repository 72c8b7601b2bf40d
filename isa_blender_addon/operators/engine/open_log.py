"""Show what the engine wrote."""

import bpy

from ...preferences.folders import engine_log
from ..kinds.operator import Result

# Lines that most windows show.
_PAGE = 25


class ISA_OT_open_log(bpy.types.Operator):
    bl_idname = "isa.open_log"
    bl_label = "Engine Log"
    bl_description = "Open the log of this machine's engine as a text in Blender"

    @classmethod
    def poll(cls, _context) -> bool:
        cls.poll_message_set("The engine has not been started yet")
        return engine_log().is_file()

    def execute(self, context) -> Result:
        show_text("ISA Engine Log", engine_log().read_text(errors="replace"), context.window)
        return {"FINISHED"}


def show_text(name: str, content: str, window) -> None:
    """Open a text in a window of its own, where Blender has windows; of a long one, the end."""
    text = bpy.data.texts.get(name) or bpy.data.texts.new(name)
    text.from_string(content)
    # Blender leaves the cursor below the last line, and shows what is there: nothing.
    text.cursor_set(max(len(text.lines) - _PAGE, 0))
    if window is not None and not bpy.app.background:
        with bpy.context.temp_override(window=window):
            bpy.ops.wm.window_new()
        area = bpy.context.window_manager.windows[-1].screen.areas[0]
        area.type = "TEXT_EDITOR"
        space = area.spaces.active
        space.text, space.top = text, text.current_line_index
        # What programs say is no Python, and its lines are long.
        space.show_syntax_highlight, space.show_word_wrap = False, True


CLASSES = (ISA_OT_open_log,)
