"""Remove from the cache what nobody needs."""

import bpy
from bpy.props import IntProperty

from ...cache.cleaning import cleaning
from ..kinds.operator import Result


class ISA_OT_clean_cache(bpy.types.Operator):
    bl_idname = "isa.clean_cache"
    bl_label = "Clean Up"
    bl_description = (
        "Remove backgrounds, and takes of files that were never saved. What is pinned or waits for an engine "
        "stays, and what this file or a saved one shows"
    )

    days: IntProperty(
        name="Older than (Days)",
        description="What is younger may be shown by a Blender that has crashed, or by another one",
        default=7,
        min=0,
    )

    @classmethod
    def poll(cls, _context) -> bool:
        return not cleaning.going_on

    def invoke(self, context, _event) -> Result:
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, _context) -> Result:
        cleaning.begin(self.days)
        if bpy.app.background:
            cleaning.wait()
            self.report({"INFO"}, cleaning.said)
        return {"FINISHED"}


CLASSES = (ISA_OT_clean_cache,)
