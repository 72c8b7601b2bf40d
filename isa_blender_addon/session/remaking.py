"""What of a scene is made where it keeps a take, as far as that is known before its frames are read."""

import numpy as np

from isa_engine.geometry.frames import Made, made_of
from isa_engine.results.remake import latents_again

from ..scene.camera import pieces
from ..scene.timeline import frame_numbers
from ..takes.take import Take


def made_again(scene, take: Take, frames: tuple[int, int] | None) -> tuple[Made, ...]:
    """The segments of which something is made.

    Args:
        frames: first and last of the scene that are made again; None: only those that the take does not have.
    """
    numbers = frame_numbers(scene)
    first, last = (1, 0) if frames is None else frames
    chosen = (numbers >= first) & (numbers <= last)
    segments = pieces(scene)
    return made_of(segments, latents_again(segments, len(take.frame_numbers), np.asarray(chosen)))
