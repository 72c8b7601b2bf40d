"""Characters that the picture does not show."""

import numpy as np

from isa_engine.geometry.ndc import project
from isa_engine.shot import Shot

from .finding import Finding, Mend, show, spans

# Who shows less than so much of the body is not in the picture.
_GLIMPSE = 0.02
# As many points tell it as all of them do.
_POINTS = 256


def check_framing(shot: Shot) -> list[Finding]:
    """Who is off the frame or behind the camera, and when."""
    found = []
    for character in shot.characters:
        ndc, in_front = project(character.points[:, :_POINTS].astype(np.float64), shot.mvp)
        inside = in_front & (np.abs(ndc[..., :2]) <= 1).all(-1)
        gone = inside.mean(1) < _GLIMPSE
        if not gone.any():
            continue
        behind = gone & ~in_front.any(1)
        where = "behind the camera" if behind.sum() * 2 > gone.sum() else "out of the frame"
        at = shot.frame_numbers[int(np.argmax(gone))]
        name = character.name
        leave_out = Mend("Leave Out", "isa.leave_out", {"character": name})
        if gone.all():
            found.append(Finding(f"{name} is {where} all the time.", (leave_out, show(at, name)), True))
        else:
            sentence = f"{name} is {where} at {spans(shot.frame_numbers, gone)}."
            found.append(Finding(sentence, (show(at, name), leave_out)))
    return found
