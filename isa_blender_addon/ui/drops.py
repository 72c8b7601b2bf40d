"""Files that are dropped on the 3D viewport or its sidebar."""

import bpy

from ..operators.cast.choose_picture import PICTURES
from ..operators.cast.import_motion import MOTIONS


class _ForTheCast:
    """Taken over a viewport, where there is somebody to take it."""

    @classmethod
    def poll_drop(cls, context) -> bool:
        over = context.area is not None and context.area.type == "VIEW_3D"
        return over and bool(context.scene.isa.cast)


class ISA_FH_picture(_ForTheCast, bpy.types.FileHandler):
    """A picture becomes a character's reference."""

    bl_idname = "ISA_FH_picture"
    bl_label = "Reference Picture"
    bl_import_operator = "isa.choose_picture"
    bl_file_extensions = ";".join(PICTURES)


class ISA_FH_motion(_ForTheCast, bpy.types.FileHandler):
    """A motion goes to a character."""

    bl_idname = "ISA_FH_motion"
    bl_label = "Motion"
    bl_import_operator = "isa.import_motion"
    bl_file_extensions = ";".join(MOTIONS)


CLASSES = (ISA_FH_picture, ISA_FH_motion)
