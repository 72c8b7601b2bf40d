"""Read the scene frame by frame, then hand it to the engine."""

import bpy
from bpy.props import BoolProperty

from ...session.current import session
from ...session.generating import generate
from ...session.reading.reading import Reading
from ..kinds.reading import ReadingOperator


class ISA_OT_generate(ReadingOperator, bpy.types.Operator):
    bl_idname = "isa.generate"
    bl_label = "Generate"
    bl_description = "Generate the shot and put it on the camera as a plate"

    anyway: BoolProperty(
        name="Anyway",
        description="Also where a check says that the plate will hardly be what you want",
        options={"SKIP_SAVE", "HIDDEN"},
    )

    def read(self, context) -> Reading:
        return generate(session(), context.scene, self.anyway)

    def run(self, context) -> None:
        # A script has no second button: held shots would never leave.
        self.anyway = True
        super().run(context)


CLASSES = (ISA_OT_generate,)
