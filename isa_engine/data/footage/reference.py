"""The picture for reference: the same people at another time.

It is of the same shot: across a cut, trackers go on with somebody else's name.
"""

import numpy as np

from isa_engine.body.model.rotation import axis_angles, matrices
from isa_engine.data.footage.footage import Footage
from isa_engine.data.footage.performance import Performance
from isa_engine.data.footage.screening import Limits, blurriness
from isa_engine.data.recordings.unfit import Unfit

# Frames that are looked at, and seconds that they lie away from what is shown.
_CANDIDATES, _AWAY = 32, 0.25


def choose_reference(
    footage: Footage,
    performance: Performance,
    people: np.ndarray,
    shown: range,
    shot: slice,
    limits: Limits,
) -> int:
    """The frame of the shot, outside what is shown, in which the same people are sharp and turned furthest
    from how they stand in the middle of it.

    Raises:
        Unfit: there is none.
    """
    away = round(_AWAY * footage.fps)
    fit = (performance.present == performance.present[shown.start]).all(1)
    fit[: shot.start] = fit[shot.stop :] = False
    fit[max(0, shown.start - away) : shown.stop + away] = False
    candidates = np.flatnonzero(fit)
    if not len(candidates):
        raise Unfit("no reference", "they are together at no other time of the shot")
    sampled = np.unique(np.linspace(0, len(candidates) - 1, _CANDIDATES).astype(int))
    middle = matrices(performance.rotations[shown[len(shown) // 2], people, 0])
    best, furthest = None, -1.0
    for frame in candidates[sampled].tolist():
        mask = footage.mask[frame] > 0
        if not mask.any() or blurriness(footage.video[frame], mask) > limits.blur:
            continue
        turned = np.swapaxes(middle, -1, -2) @ matrices(performance.rotations[frame, people, 0])
        turn = np.linalg.norm(axis_angles(turned), axis=-1).mean()
        if turn > furthest:
            best, furthest = frame, turn
    if best is None:
        raise Unfit("no reference", "nobody is sharp at another time of the shot")
    return best
