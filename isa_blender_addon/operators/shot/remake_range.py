"""Make frames of a take again, or those that it does not have, and keep the others to the bit."""

from functools import partial
from pathlib import Path

import bpy
from bpy.props import EnumProperty, IntProperty, StringProperty

from isa_engine.errors import SceneError
from isa_engine.results.remake import CHANGED, remade

from ...session.current import session
from ...session.generating import generate
from ...session.reading.reading import Reading
from ...session.reading.remaking import check_kept, made_again
from ..kinds.reading import ReadingOperator


class ISA_OT_remake_range(ReadingOperator, bpy.types.Operator):
    bl_idname = "isa.remake_range"
    bl_label = "Remake Range"
    bl_description = (
        "Generate frames of this take again, and a few about them, as the scene is now. All others stay as "
        "they are"
    )

    take: StringProperty(name="Take", description="Its folder", options={"HIDDEN", "SKIP_SAVE"})
    what: EnumProperty(
        name="What",
        items=[
            ("RANGE", "Range", "The frames from the first to the last, and a few about them"),
            ("CHANGED", "What Changed", "The frames on which cast or camera is not as in the take"),
            ("EXTEND", "Extend", "Only frames that the take does not have"),
        ],
        options={"SKIP_SAVE"},
    )
    first: IntProperty(name="First", description="First frame that is made again", options={"SKIP_SAVE"})
    last: IntProperty(name="Last", description="Last frame that is made again", options={"SKIP_SAVE"})

    def read(self, context) -> Reading:
        take = session().queue.take(Path(self.take))
        if take is None:
            raise SceneError("the take is not there any more", remedy="Show another one.")
        check_kept(context.scene, take)
        frames = {"RANGE": (self.first, self.last), "CHANGED": CHANGED, "EXTEND": None}[self.what]
        made = () if frames == CHANGED else made_again(context.scene, take, frames)
        keep = partial(remade, take=take.folder, frames=frames)
        # What checks find in the whole shot was known when the take was made.
        return generate(session(), context.scene, anyway=True, keep=keep, made=made)


CLASSES = (ISA_OT_remake_range,)
