"""Where the set stands before the cast: what of a picture no painted person may cover."""

import numpy as np

from isa_engine.controls.depth import set_depth
from isa_engine.controls.surfaces import in_picture, pixels_a_metre, see, surface_of
from isa_engine.geometry.ndc import to_pixels
from isa_engine.shot import Shot

# Metres that a thing must be nearer than somebody's skin to hide it: feet stand a little in the ground, and
# hands in what they hold.
_NEARER = 0.1
# Metres about a body to which its depth counts: hair and cloth.
_REACH = 0.2


def occluded_by_set(shot: Shot, frame: int, size: tuple[int, int]) -> np.ndarray:
    """``(height, width)`` bool: where the set is nearer than whoever of the cast is there, or is so near by
    that hair and cloth may be; nowhere if it is not known how far the set is.

    Args:
        size: width and height in pixels.
    """
    if shot.background_depth is None:
        return np.zeros(size[::-1], bool)
    body = see(surface_of(shot, frame), shot.mvp[frame], size).depth
    there = np.isfinite(body)
    if not there.any():
        return there
    reach = int(np.ceil(_REACH * pixels_a_metre(shot, frame, size) / body.min()))
    about = np.where(there, body, _least_about(body, min(reach, max(size))))
    return (set_depth(shot, frame, size) < about - _NEARER) & np.isfinite(about)


def set_occludes_somebody(shot: Shot) -> bool:
    """Whether the set stands before any point of a character's skin on any frame."""
    return any(behind_set(shot, frame, surface_of(shot, frame).points).any() for frame in range(shot.frames))


def behind_set(shot: Shot, frame: int, points: np.ndarray) -> np.ndarray:
    """``(N,)`` bool: points that are in the picture and that the set stands before.

    Args:
        points: ``(N, 3)`` float64, metres in the world.
    """
    height, width = shot.background_depth.shape[1:]
    within, ndc, depth = in_picture(points, shot.mvp[frame])
    columns, rows = to_pixels(ndc, (width, height)).astype(np.int64).T
    away = set_depth(shot, frame, (width, height))[rows, columns]
    behind = np.zeros(len(points), bool)
    behind[within] = away < depth - _NEARER
    return behind


def _least_about(depth: np.ndarray, reach: int) -> np.ndarray:
    """The least depth within so many pixels of each; infinite where nobody is within them."""
    for axis in (0, 1):
        room = [(reach, reach) if each == axis else (0, 0) for each in (0, 1)]
        padded = np.pad(depth, room, constant_values=np.inf)
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis)
        depth = windows.min(-1)
    return depth
