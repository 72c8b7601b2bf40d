"""A sentence in Blender's status bar and its Info editor, for what has happened by itself."""

import bpy
from bpy.props import BoolProperty, StringProperty

from ..kinds.waiting import WaitingOperator


class ISA_OT_tell(WaitingOperator, bpy.types.Operator):
    """Blender shows reports of operators that it runs itself: this one waits for its first event."""

    bl_idname = "isa.tell"
    bl_label = "Tell"
    bl_description = "Show a sentence in the status bar"
    bl_options = {"INTERNAL"}

    text: StringProperty(options={"SKIP_SAVE"})
    failed: BoolProperty(options={"SKIP_SAVE"})
    every = 0.01

    def begin(self, _context) -> None:
        pass

    def look(self, _context) -> bool:
        return True

    def end(self, _context) -> None:
        self.report({"WARNING" if self.failed else "INFO"}, self.text)

    def leave(self, _context) -> None:
        pass


CLASSES = (ISA_OT_tell,)
