"""A finished job's folder as plate."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, StringProperty

from ...plate import troubles
from ...takes.folders import output_folder
from ...takes.shown import show_results
from ..kinds.operator import Operator, Result
from ..kinds.thumbnails import ShowsThumbnails


class ISA_OT_import_results(Operator, ShowsThumbnails, bpy.types.Operator):
    bl_idname = "isa.import_results"
    bl_label = "Import Plate"
    bl_description = "Put the plate of a results folder into this scene: choose its movie"
    bl_options = {"REGISTER", "UNDO"}

    directory: StringProperty(subtype="DIR_PATH")
    # Any file of the folder may be clicked: a browser that is asked for none shows folders alone.
    filepath: StringProperty(subtype="FILE_PATH", options={"HIDDEN", "SKIP_SAVE"})
    filter_movie: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    def invoke(self, context, _event) -> Result:
        last = context.scene.isa.last_results
        self.directory = bpy.path.abspath(last) if last else str(output_folder(context.scene))
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def run(self, context) -> None:
        show_results(context.scene, Path(bpy.path.abspath(self.directory)).absolute())
        for trouble in troubles(context.scene):
            self.report({"WARNING"}, trouble)


CLASSES = (ISA_OT_import_results,)
