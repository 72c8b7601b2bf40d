"""Characters that the picture does not show."""

import numpy as np

from isa_engine.geometry.ndc import project
from isa_engine.shot import Shot

from .finding import Finding, Mend, show, spans

# A character of whose points less than this share is in the frame is not in the picture.
_GLIMPSE = 0.02
# Points that are looked at; more change no answer.
_POINTS = 256
# Of characters that are so on all frames, and on some.
_BEHIND = "{name} is behind the camera all the time.", "{name} is behind the camera at {frames}."
_OUT = "{name} is out of the frame all the time.", "{name} is out of the frame at {frames}."


def check_framing(shot: Shot) -> list[Finding]:
    """Who is off the frame or behind the camera, and when."""
    found = []
    for character in shot.characters:
        ndc, in_front = project(character.points[:, :_POINTS].astype(np.float64), shot.mvp)
        inside = in_front & (np.abs(ndc[..., :2]) <= 1).all(-1)
        gone = (inside.mean(1) < _GLIMPSE) & character.visible
        if not gone.any():
            continue
        behind = gone & ~in_front.any(1)
        texts = _BEHIND if behind.sum() * 2 > gone.sum() else _OUT
        at = shot.frame_numbers[int(np.argmax(gone))]
        name = character.name
        leave_out = Mend("Leave Out", "isa.leave_out", {"character": name})
        if (gone == character.visible).all():
            found.append(Finding(texts[0], {"name": name}, (leave_out, show(at, name)), True))
        else:
            values = {"name": name, "frames": spans(shot.frame_numbers, gone)}
            found.append(Finding(texts[1], values, (show(at, name), leave_out)))
    return found
