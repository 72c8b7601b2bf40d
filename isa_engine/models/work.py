"""How much work a shot is."""

import numpy as np

from isa_engine.configuration.policies import POLICIES
from isa_engine.cost.generation import Work
from isa_engine.geometry.frames import Made, made_of, segment_latents
from isa_engine.shot import Shot


def work_of(shot: Shot) -> Work:
    settings = shot.settings
    return Work(
        shot.frames,
        settings.width,
        settings.height,
        len(shot.characters),
        settings.steps,
        settings.guidance,
        POLICIES[settings.policy],
        made_in(shot),
        settings.one_by_one,
    )


def made_in(shot: Shot) -> tuple[Made, ...]:
    """The segments of which something is made: all, or what is not kept of an earlier take."""
    latents = segment_latents(shot.segments)[-1][1]
    return made_of(shot.segments, np.ones(latents, bool) if shot.kept is None else shot.kept.again)
