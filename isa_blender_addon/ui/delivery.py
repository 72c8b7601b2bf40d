"""Under the plate: its people for other programs."""

from typing import Any

import bpy

from ..language.translation import words
from ..session.programs.delivery import under_way
from .sidebar import InSidebar

_ICONS: dict[str, Any] = {"prores": "FILE_MOVIE", "png": "RENDERLAYERS", "exr": "IMAGE_RGB_ALPHA"}
# Three stand side by side in the sidebar as it opens.
_WORDS = {"prores": "ProRes", "png": "PNG", "exr": "OpenEXR"}


class ISA_PT_delivery(InSidebar, bpy.types.Panel):
    bl_label = "Save with Alpha"
    bl_parent_id = "ISA_PT_plate"

    @classmethod
    def poll(cls, context) -> bool:
        return bool(context.scene.isa.last_results)

    def draw(self, _context) -> None:
        layout, writing = self.layout, under_way.current
        if writing is not None:
            row = layout.row()
            row.label(text=words("Writing {name}", name=writing.out.name), icon="SORTTIME")
            row.operator("isa.cancel_delivery", text="", icon="X")
            return
        row = layout.row(align=True)
        for kind, icon in _ICONS.items():
            row.operator("isa.deliver", text=_WORDS[kind], icon=icon).kind = kind


CLASSES = (ISA_PT_delivery,)
