"""Where the set stands before the cast: what of a picture no painted person may cover."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from isa_engine.controls.depth import set_depth
from isa_engine.controls.surfaces import in_picture, pixels_a_metre, see, surface_of
from isa_engine.geometry.ndc import to_pixels
from isa_engine.shot import Shot

# Metres that a thing must be nearer than somebody's skin to hide it: feet stand a little in the ground, and
# hands in what they hold.
_NEARER = 0.1
# Metres about a body to which its depth counts: hair and cloth.
_REACH = 0.2

# A pixel of a background that is finer than the canvas asks so many of the canvas's on either side, along
# each axis. With two a wire still has gaps where it passes between the places whose depth is known; with four
# more of a checkered wall is taken for a checkered post.
_ASKED = 3
# What hides somebody is told from what does not by colours as far as they differ beside the noise of a coded
# video, in levels of 255, and beside so many times the variance of either.
_NOISE = 12
_VARIANCES = 3
# What is within so much of one of both is that one: noise again.
_PURE = 0.2
# At most so many pixels are worked out at once, of some KiB each.
_AT_ONCE = 2**14


def occluded_by_set(shot: Shot, frame: int, background: np.ndarray) -> np.ndarray:
    """How much of each pixel the set covers where it is nearer than whoever of the cast is there, or is so
    near by that hair and cloth may be: ``(height, width)`` float32 in [0, 1]. Nothing if it is not known how
    far the set is.

    Args:
        background: the frame's, ``(height, width, 3)`` uint8, of the canvas's size, where each pixel is
            covered or is not, or of so many whole pixels along each side to one of these (``_edges``).
    """
    size = background.shape[1::-1]
    if shot.background_depth is None:
        return np.zeros(size[::-1], np.float32)
    canvas = shot.settings.width, shot.settings.height
    depth, limit = set_depth(shot, frame, canvas), _limit(shot, frame, size)
    if size == canvas:
        return (depth < limit).astype(np.float32)
    return _edges(depth, limit, background)


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


def _limit(shot: Shot, frame: int, size: tuple[int, int]) -> np.ndarray:
    """Metres, ``(height, width)``: what is nearer hides somebody; 0 where nobody is about."""
    body = see(surface_of(shot, frame), shot.mvp[frame], size).depth
    there = np.isfinite(body)
    if not there.any():
        return np.zeros(size[::-1])
    reach = int(np.ceil(_REACH * pixels_a_metre(shot, frame, size) / body.min()))
    about = np.where(there, body, _least_about(body, min(reach, max(size))))
    return np.where(np.isfinite(about), about - _NEARER, 0)


def _edges(depth: np.ndarray, limit: np.ndarray, background: np.ndarray) -> np.ndarray:
    """How much of each pixel is nearer than its limit, ``(H, W)`` float32, where depth is coarser.

    Where some of the canvas's pixels about one hide and others do not, their colours have the means h and o,
    and its own colour c is taken for a mixture of both, of which

        (c − o) · (h − o) / |h − o|²

    hides. As far as h and o are alike, as with a grey post before a grey wall, the edge is instead a ramp of
    a canvas pixel: depths are compared, and what comes of that is interpolated.

    Args:
        depth: ``(h, w)`` metres, of the canvas.
        limit: ``(H, W)`` metres.
        background: ``(H, W, 3)`` uint8.
    """
    scale = len(limit) // len(depth)
    # Of the pixels that stand for one of the canvas, depth is the one's in their middle, or next to it.
    middle = slice(scale // 2, None, scale)
    depths = _asked(depth)
    colours = background[middle, middle].astype(np.float32)
    colours = _asked(np.concatenate([colours, np.square(colours).sum(-1, keepdims=True)], -1))
    # Each row and column by canvas pixels, the first that it asks, and how far it is from those that it asks.
    places = [(np.arange(count) - scale // 2) / scale for count in limit.shape]
    first = [np.floor(place).astype(np.int64) + 1 for place in places]
    away = [
        np.abs(place[:, None] - start[:, None] - np.arange(2 * _ASKED) + _ASKED).astype(np.float32)
        for place, start in zip(places, first, strict=True)
    ]
    covered = (depths.max((2, 3))[np.ix_(*first)] < limit).astype(np.float32)
    mixed = np.nonzero((depths.min((2, 3))[np.ix_(*first)] < limit) & (covered == 0))
    for some in range(0, len(mixed[0]), _AT_ONCE):
        rows, columns = (each[some : some + _AT_ONCE] for each in mixed)
        asked = first[0][rows], first[1][columns]
        hides = depths[asked] < limit[rows, columns, None, None]
        down, across = away[0][rows, :, None], away[1][columns, None, :]
        ramp = (hides * (1 - down).clip(0) * (1 - across).clip(0)).sum((1, 2))
        weights = (1 - down / _ASKED) * (1 - across / _ASKED)
        kinds = np.stack([weights * hides, weights * ~hides], -1).reshape(len(rows), -1, 2)
        share, trust = _mixture(background[rows, columns], colours[asked].reshape(len(rows), 4, -1), kinds)
        covered[rows, columns] = (ramp + trust * (share - ramp)).clip(0, 1)
    return covered


def _asked(picture: np.ndarray) -> np.ndarray:
    """Of ``(h, w, …)`` all that pixels ask, ``(h + 1, w + 1, …, k, k)``; at edges the last ones again."""
    room = [(_ASKED, _ASKED) if axis < 2 else (0, 0) for axis in range(picture.ndim)]
    return sliding_window_view(np.pad(picture, room, "edge"), (2 * _ASKED, 2 * _ASKED), (0, 1))


def _mixture(own: np.ndarray, colours: np.ndarray, kinds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How much of what hides is in pixels' own colours, and how far that can be told, ``(n,)`` in [0, 1].

    Args:
        own: ``(n, 3)``.
        colours: ``(n, 4, k)`` about them, and the sums of their squares.
        kinds: ``(n, k, 2)`` weights of those that hide, and of those that do not.
    """
    totals = kinds.sum(1)
    means = colours @ kinds / np.maximum(totals, 1e-6)[:, None]
    variances = (means[:, 3] - np.square(means[:, :3]).sum(1)).clip(0).sum(1)
    hiding, others = means[:, :3, 0], means[:, :3, 1]
    square = np.square(hiding - others).sum(1)
    share = ((own - others) * (hiding - others)).sum(1) / np.maximum(square, 1)
    trust = (totals > 0).all(1) * square / (square + _VARIANCES * variances + _NOISE**2)
    return ((share - _PURE) / (1 - 2 * _PURE)).clip(0, 1), trust


def _least_about(depth: np.ndarray, reach: int) -> np.ndarray:
    """The least depth within so many pixels of each; infinite where nobody is within them."""
    for _ in range(2):
        # Along the rows and then along the columns: the least of two that was the least of as many each.
        least, of = np.pad(np.ascontiguousarray(depth.T), ((reach, reach), (0, 0)), constant_values=np.inf), 1
        while of <= 2 * reach:
            more = min(of, 2 * reach + 1 - of)
            least, of = np.minimum(least[:-more], least[more:]), of + more
        depth = least
    return depth
