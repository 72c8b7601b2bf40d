"""Depth of the cast: bright is near, black is nobody."""

from collections.abc import Iterator

import numpy as np

from isa_engine.controls.surfaces import see, surface_of
from isa_engine.geometry.ndc import project, view_depth
from isa_engine.shot import Shot


def depth_pictures(shot: Shot, size: tuple[int, int]) -> Iterator[np.ndarray]:
    """Inverse depth of each frame, white at the shot's nearest point.

    The scale is the same for all frames: a figure that walks away darkens, and does not flicker when another
    comes or goes.

    Yields:
        ``(height, width, 3)`` uint8: 255 · nearest / depth.
    """
    nearest = _nearest(shot)
    for frame, mvp in enumerate(shot.mvp):
        depth = see(surface_of(shot, frame), mvp, size).depth
        grey = (255 * nearest / depth).clip(0, 255).round().astype(np.uint8)
        yield np.repeat(grey[..., None], 3, axis=2)


def _nearest(shot: Shot) -> float:
    """The least depth in metres of all points that are within the picture on any frame; 0 if none is."""
    found = [np.inf]
    for frame, mvp in enumerate(shot.mvp):
        points = surface_of(shot, frame).points
        ndc, in_front = project(points, mvp)
        within = in_front & (np.abs(ndc[:, :2]) <= 1).all(-1)
        found.extend(view_depth(points[within], mvp))
    return min(found) if len(found) > 1 else 0.0
