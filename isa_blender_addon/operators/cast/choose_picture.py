"""A reference picture for a character: chosen in a file browser, dropped, or pasted."""

import bpy
from bpy.props import BoolProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from isa_engine.errors import IsaError

from ...language.translation import said
from ...preferences.folders import free
from ...scene.picture import read_picture
from ...settings.cast import cast_member, give_picture, playing
from ...takes.folders import made_output_folder
from ..kinds.operator import Operator, Result
from ..kinds.thumbnails import ShowsThumbnails
from .clipboard import write_clipboard
from .under_mouse import dropped_on

PICTURES = tuple(sorted(bpy.path.extensions_image))
_PASTED = "pasted.png"


class ISA_OT_choose_picture(Operator, ShowsThumbnails, bpy.types.Operator, ImportHelper):
    bl_idname = "isa.choose_picture"
    bl_label = "Reference Picture"
    bl_description = "Choose a picture that shows how the character looks"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    # Not kept: what is dropped comes with it, and the browser asks for it.
    filepath: StringProperty(subtype="FILE_PATH", options={"HIDDEN", "SKIP_SAVE"})
    filter_glob: StringProperty(
        default=";".join(f"*{ending}" for ending in PICTURES), options={"HIDDEN", "SKIP_SAVE"}
    )
    filter_image: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    character: StringProperty(description="Empty: all who have none yet", options={"HIDDEN", "SKIP_SAVE"})

    def invoke(self, context, event) -> Result:
        if not self.filepath:
            return ImportHelper.invoke(self, context, event)
        try:
            self.character = dropped_on(context, event).character.name_full
        except IsaError as error:
            return self.fail(error)
        return self.execute(context)

    def run(self, context) -> None:
        read_picture(self.filepath, self.character or "the cast")
        members = [cast_member(context.scene, self.character)] if self.character else None
        for member in members or [member for member in playing(context.scene) if not member.picture]:
            _give(member, self.filepath)
            values = {"file": bpy.path.basename(self.filepath), "name": member.character.name_full}
            self.report({"INFO"}, said("{file} is {name}'s reference picture.", **values))


class ISA_OT_paste_picture(Operator, bpy.types.Operator):
    bl_idname = "isa.paste_picture"
    bl_label = "Paste Picture"
    bl_description = (
        "Take the picture on the clipboard as the character's reference; it is kept beside the takes"
    )
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    character: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def run(self, context) -> None:
        scene = context.scene
        member = cast_member(scene, self.character)
        # Unsaved files, also those of other Blenders, share the folder.
        place = free(made_output_folder(scene) / _PASTED)
        write_clipboard(context, place)
        _give(member, str(place))
        self.report({"INFO"}, said("The picture is kept as {place}.", place=place))


def _give(member, picture: str) -> None:
    give_picture(member, bpy.path.relpath(picture) if bpy.data.filepath else picture)


CLASSES = (ISA_OT_choose_picture, ISA_OT_paste_picture)
