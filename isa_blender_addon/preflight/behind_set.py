"""Characters that the set hides on every frame: a wall, or the glass of a window."""

import numpy as np

from isa_engine.controls.set_occlusion import behind_set
from isa_engine.models import Description
from isa_engine.shot import Character, Shot

from .finding import Finding, Mend, show
from .framing import GLIMPSE, POINTS, in_frame


def check_behind_set(shot: Shot, model: Description | None) -> list[Finding]:
    """Whom the picture shows on no frame, for the set stands before them; on some frames it may be meant to.

    Args:
        model: the shot's; None: it is not known what it reads.
    """
    if shot.background_depth is None:
        return []
    found = []
    for character in shot.characters:
        inside, _ = in_frame(shot, character)
        here = character.visible & (inside.mean(1) >= GLIMPSE)
        if not here.any() or any(_seen(shot, character, k, inside[k]) for k in np.flatnonzero(here)):
            continue
        name, at = character.name, shot.frame_numbers[int(np.argmax(here))]
        mends = [show(at, name), Mend("Leave Out", "isa.leave_out", {"character": name})]
        # A model that is told where to paint paints all of that.
        if model is None or not model.painted:
            mends.append(Mend("Paint Over", "isa.paint_over_set"))
        found.append(
            Finding("{name} is behind the set, or glass, all the time.", {"name": name}, tuple(mends), True)
        )
    return found


def _seen(shot: Shot, character: Character, frame: int, inside: np.ndarray) -> bool:
    """Whether a frame shows something of somebody beside the set.

    Args:
        inside: ``(P,)`` bool, of some of its points, as of ``in_frame``.
    """
    behind = behind_set(shot, frame, character.points[frame, :POINTS].astype(np.float64))
    return bool((inside & ~behind).mean() >= GLIMPSE)
