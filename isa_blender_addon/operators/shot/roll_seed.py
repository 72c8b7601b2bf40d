"""Another seed, for another take."""

import random

import bpy

from ..kinds.operator import Result

# No longer than the panel's field shows.
_MOST = 10**6


class ISA_OT_roll_seed(bpy.types.Operator):
    bl_idname = "isa.roll_seed"
    bl_label = "Roll Seed"
    bl_description = "Another seed: the same shot comes out as another take"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    def execute(self, context) -> Result:
        isa = context.scene.isa
        isa.seed = random.choice([seed for seed in random.sample(range(_MOST), 2) if seed != isa.seed])
        return {"FINISHED"}


CLASSES = (ISA_OT_roll_seed,)
