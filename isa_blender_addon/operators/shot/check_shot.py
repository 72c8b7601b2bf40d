"""Read the scene as Generate does, and say what may go wrong."""

import bpy

from ...session.current import session
from ...session.generating import check
from ...session.reading.reading import Reading
from ..kinds.reading import ReadingOperator


class ISA_OT_check_shot(ReadingOperator, bpy.types.Operator):
    bl_idname = "isa.check_shot"
    bl_label = "Check Shot"
    bl_description = "Look at every frame for what may spoil the plate; nothing is generated"

    def read(self, context) -> Reading:
        return check(session(), context.scene)


CLASSES = (ISA_OT_check_shot,)
