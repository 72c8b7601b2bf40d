"""Make frames of a take again, or those that it does not have, and keep the others to the bit."""

from functools import partial
from pathlib import Path

import bpy
from bpy.props import BoolProperty, IntProperty, StringProperty

from isa_engine.errors import SceneError
from isa_engine.results.remake import remade

from ..session.current import session
from ..session.reading import Reading
from .reading import ReadingOperator


class ISA_OT_remake_range(ReadingOperator, bpy.types.Operator):
    bl_idname = "isa.remake_range"
    bl_label = "Remake Range"
    bl_description = (
        "Generate these frames again, and a few about them, as the scene is now. All others of the take stay "
        "as they are"
    )

    take: StringProperty(name="Take", description="Its folder", options={"HIDDEN", "SKIP_SAVE"})
    extend: BoolProperty(
        name="Extend",
        description="Make no frame again, but those of the scene's range that the take does not have",
        options={"SKIP_SAVE"},
    )
    first: IntProperty(name="First", description="First frame that is made again", options={"SKIP_SAVE"})
    last: IntProperty(name="Last", description="Last frame that is made again", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, _context) -> bool:
        cls.poll_message_set("The scene is being read")
        return not session().busy

    def read(self, context) -> Reading:
        take = session().queue.take(Path(self.take))
        if take is None:
            raise SceneError("the take is not there any more", remedy="Show another one.")
        frames = None if self.extend else (self.first, self.last)
        # What checks find in the whole shot was known when the take was made.
        return session().generate(
            context.scene, anyway=True, keep=partial(remade, take=take.folder, frames=frames)
        )


CLASSES = (ISA_OT_remake_range,)
