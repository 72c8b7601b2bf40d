"""A finished job's folder as plate."""

import bpy
from bpy.props import StringProperty

from isa_engine.errors import IsaError

from ..plate import import_results


class ISA_OT_import_results(bpy.types.Operator):
    bl_idname = "isa.import_results"
    bl_label = "Import Plate"
    bl_description = "Put the plate of a results folder on this scene's camera"
    bl_options = {"REGISTER", "UNDO"}

    directory: StringProperty(subtype="DIR_PATH")
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN"})

    def invoke(self, context, _event) -> set[str]:
        self.directory = bpy.path.abspath(context.scene.isa.last_results or context.scene.isa.folder)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context) -> set[str]:
        try:
            import_results(context.scene, self.directory, context.scene.isa.plate)
        except IsaError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        context.scene.isa.last_results = self.directory
        return {"FINISHED"}


CLASSES = (ISA_OT_import_results,)
