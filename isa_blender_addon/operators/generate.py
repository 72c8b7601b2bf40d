"""Read the scene frame by frame, then hand it to the engine."""

import bpy
from bpy.props import BoolProperty

from ..session.current import session
from ..session.reading import Reading
from .reading import ReadingOperator
from .result import Result


class ISA_OT_generate(ReadingOperator, bpy.types.Operator):
    bl_idname = "isa.generate"
    bl_label = "Generate"
    bl_description = "Generate the shot and put it on the camera as a plate"

    anyway: BoolProperty(
        name="Anyway",
        description="Also where a check says that the plate will hardly be what you want",
        options={"SKIP_SAVE", "HIDDEN"},
    )

    @classmethod
    def poll(cls, _context) -> bool:
        cls.poll_message_set("The scene is being read")
        return not session().busy

    def begin(self, context) -> Reading:
        return Reading(context.scene, anyway=self.anyway)

    def execute(self, context) -> Result:
        # Who calls it from a script has no button to say it again.
        self.anyway = True
        return self.finish(context)


CLASSES = (ISA_OT_generate,)
