"""Depth of the cast, and of the set where it is known: bright is near, black is nothing."""

from collections.abc import Iterable, Iterator

import numpy as np

from isa_engine.controls.surfaces import in_picture, see, surface_of
from isa_engine.shot import Shot


def depth_pictures(
    shot: Shot, size: tuple[int, int], frames: Iterable[int] | None = None, white: float | None = None
) -> Iterator[np.ndarray]:
    """Inverse depth of what is nearest at each pixel's centre, of cast and set.

    The scale is the same for all frames: a figure that walks away darkens, and does not flicker when another
    comes or goes.

    Args:
        frames: those that are drawn, counted from 0; None: all.
        white: metres at which it is; None: at the shot's nearest point.

    Yields:
        ``(height, width, 3)`` uint8: 255 · white / depth.
    """
    white = nearest(shot) if white is None else white
    views = shot.mvp
    for frame in range(shot.frames) if frames is None else frames:
        depth = np.minimum(
            see(surface_of(shot, frame), views[frame], size).depth, set_depth(shot, frame, size)
        )
        grey = (255 * white / depth).clip(0, 255).round().astype(np.uint8)
        yield np.repeat(grey[..., None], 3, axis=2)


def nearest(shot: Shot) -> float:
    """The least depth in metres of all that is within the picture on any frame; 0 if nothing is."""
    found = [np.inf]
    for frame in range(shot.frames):
        _, _, depth = in_picture(surface_of(shot, frame).points, shot.mvp[frame])
        found.append(float(depth.min(initial=np.inf)))
    if shot.background_depth is not None:
        found.append(float(shot.background_depth.min()))
    least = min(found)
    return float(least) if np.isfinite(least) else 0.0


def set_depth(shot: Shot, frame: int, size: tuple[int, int]) -> np.ndarray:
    """``(height, width)`` metres to what the background shows; infinite where that is not known.

    Of another size than the canvas, a pixel takes what is true of the canvas's pixel that its centre lies in.
    """
    if shot.background_depth is None:
        return np.full(size[::-1], np.inf)
    depth = shot.background_depth[min(frame, len(shot.background_depth) - 1)].astype(np.float64)
    columns, rows = (
        ((np.arange(to) + 0.5) * of / to).astype(np.int64)
        for to, of in zip(size, depth.shape[::-1], strict=True)
    )
    return depth[rows[:, None], columns]
