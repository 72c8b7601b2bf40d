"""How much of a picture boxes about people leave of its set."""

from collections.abc import Sequence

import numpy as np

from isa_engine.controls.masks import box_masks
from isa_engine.shot import Shot

# Boxes that cover more than this share of the picture leave little of the set.
_MOST = 0.5
# So many frames are looked at, spread over the shot, in pictures whose longer side has so many pixels.
_FRAMES, _PIXELS = 16, 128


def covered_by_boxes(shot: Shot, painted: Sequence[str]) -> float | None:
    """The share of the picture that is within a box on the mean of frames, where people are painted in boxes
    and that is most of it; else None.

    Args:
        painted: what the model can be told of where people are painted (``models.Description``).
    """
    choice, size = shot.settings.painted, (shot.settings.width, shot.settings.height)
    if choice != "boxes" or choice not in painted:
        return None
    small = tuple(max(1, round(side * _PIXELS / max(size))) for side in size)
    frames = np.unique(np.linspace(0, shot.frames - 1, _FRAMES).round().astype(int))
    share = float(np.mean([picture.mean() / 255 for picture in box_masks(shot, small, frames)]))
    return share if share > _MOST else None
