"""The render farm's one button, below all else."""

import bpy

from .sidebar import InSidebar


class ISA_PT_farm(InSidebar, bpy.types.Panel):
    bl_label = "Render Farm"
    bl_order = 9
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, _context) -> None:
        self.layout.operator("isa.write_farm_bundle", text="Write Farm Bundle…", icon="FILE_ARCHIVE")


CLASSES = (ISA_PT_farm,)
