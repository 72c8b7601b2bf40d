"""Characters that the picture does not show."""

import numpy as np

from isa_engine.body import SMPLX_JOINTS
from isa_engine.geometry.ndc import project
from isa_engine.shot import Character, Shot

from .finding import Finding, Mend, show, spans

# A character of whose points less than this share is in the frame is not in the picture.
GLIMPSE = 0.02
_PELVIS, _HEAD = SMPLX_JOINTS.index("pelvis"), SMPLX_JOINTS.index("head")
# Points that are looked at; more change no answer.
POINTS = 256
# Of characters that are so on all frames, and on some.
_BEHIND = "{name} is behind the camera all the time.", "{name} is behind the camera at {frames}."
_OUT = "{name} is out of the frame all the time.", "{name} is out of the frame at {frames}."


def check_framing(shot: Shot) -> list[Finding]:
    """Who is off the frame or behind the camera, and when."""
    found = []
    for character in shot.characters:
        inside, in_front = in_frame(shot, character)
        gone = (inside.mean(1) < GLIMPSE) & character.visible
        found += _cut_head(shot, character, character.visible & ~gone)
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


def _cut_head(shot: Shot, character: Character, here: np.ndarray) -> list[Finding]:
    """Whether the frame's upper edge cuts off the head of somebody whose body it shows.

    Args:
        here: ``(F,)`` bool, the frames on which the picture shows the character.
    """
    if character.skeleton is None:
        return []
    ndc, in_front = project(character.skeleton[:, [_PELVIS, _HEAD]].astype(np.float64), shot.mvp)
    # What the rig does not have is nowhere, and compares as false.
    body_in = in_front[:, 0] & (np.abs(ndc[:, 0, :2]) <= 1).all(-1)
    cut = here & body_in & in_front[:, 1] & (ndc[:, 1, 1] > 1)
    if not cut.any():
        return []
    values = {"name": character.name, "frames": spans(shot.frame_numbers, cut)}
    at = shot.frame_numbers[int(np.argmax(cut))]
    return [Finding("{name}'s head is cut off at {frames}.", values, (show(at, character.name),))]


def in_frame(shot: Shot, character: Character) -> tuple[np.ndarray, np.ndarray]:
    """Which of some of its points are in the frame, and which before the camera: ``(F, P)`` bool each."""
    ndc, in_front = project(character.points[:, :POINTS].astype(np.float64), shot.mvp)
    return in_front & (np.abs(ndc[..., :2]) <= 1).all(-1), in_front
