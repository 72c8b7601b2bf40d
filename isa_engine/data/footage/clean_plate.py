"""The set without the cast, as far as a video shows it: what other frames saw behind somebody, and a smooth
fill where none did.
"""

from dataclasses import dataclass

import numpy as np

# Masks miss hair and the blur of motion; this share of the short side is given up around them.
_MARGIN = 0.02
# Where nothing moves, a pixel stays within this of its median, of 255, four fifths of the time.
_STEADY = 6.0
# Frames that the median is taken of, at most.
_SAMPLED = 25
# Levels from one pixel to the next by which a camera's movement would show, and the share of pixels with such
# a step without which a steady picture proves nothing.
_EDGE, _EDGES = 10.0, 0.01


@dataclass(frozen=True)
class Plate:
    """The set without its cast.

    Attributes:
        pictures: ``(F, H, W, 3)`` uint8, the video without the cast.
        from_others: whether what is behind the cast was seen in other frames; else it is a smooth fill.
        still: whether the camera is seen to stand still; a plain wall tells nothing.
    """

    pictures: np.ndarray
    from_others: bool
    still: bool


def clean_plate(video: np.ndarray, mask: np.ndarray) -> Plate:
    """Take the cast away.

    Args:
        video: ``(F, H, W, 3)`` uint8.
        mask: ``(F, H, W)``, 0 the set.
    """
    hidden = _grown(mask > 0, max(1, round(_MARGIN * min(mask.shape[1:]))))
    sampled = np.unique(np.linspace(0, len(video) - 1, _SAMPLED).astype(int))
    filmed, away = video[sampled].astype(np.int16), hidden[sampled]
    ever = ~away.all(0)
    steady = still = False
    if len(video) > 1 and ever.any():
        plate = _quantile(filmed, away, 0.5)
        off = _quantile(np.abs(filmed - plate).max(-1), away, 0.8)
        edges = ever & (_steps(plate.astype(np.float32), ever) > _EDGE)
        steady = bool(np.percentile(off[ever], 95) < _STEADY)
        still = bool(steady and edges.mean() > _EDGES and np.percentile(off[edges], 75) < _STEADY)
    if steady:
        plate = push_pull(plate.astype(np.float32), ever)
        pictures = np.where(hidden[..., None], plate.round().astype(np.uint8), video)
    else:
        pictures = video.copy()
        for picture, gone in zip(pictures, hidden, strict=True):
            picture[gone] = push_pull(picture.astype(np.float32), ~gone)[gone].round()
    return Plate(pictures, steady, still)


def push_pull(picture: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Fill what is unknown from coarser and coarser averages of what is known (Gortler et al. 1996).

    Args:
        picture: ``(H, W, C)`` float32.
        known: ``(H, W)`` bool; grey where nothing is.
    """
    if known.all():
        return picture
    if not known.any():
        return np.full_like(picture, 127.5)
    height, width = known.shape
    even = ((0, height % 2), (0, width % 2))
    weight = np.pad(known.astype(np.float32), even)
    sums = np.pad(picture * known[..., None], (*even, (0, 0)))
    coarse_weight = weight[::2, ::2] + weight[1::2, ::2] + weight[::2, 1::2] + weight[1::2, 1::2]
    coarse = sums[::2, ::2] + sums[1::2, ::2] + sums[::2, 1::2] + sums[1::2, 1::2]
    coarse = push_pull(coarse / np.maximum(coarse_weight, 1)[..., None], coarse_weight > 0)
    return np.where(known[..., None], picture, _doubled(coarse)[:height, :width])


def _quantile(values: np.ndarray, hidden: np.ndarray, share: float) -> np.ndarray:
    """``(H, W, ...)`` each pixel's quantile over the frames in which it is seen.

    Args:
        values: ``(F, H, W, ...)`` int16.
        hidden: ``(F, H, W)`` bool.
    """
    hidden = hidden.reshape(*hidden.shape, *[1] * (values.ndim - 3))
    # Hidden pixels are made larger than all others, so that the median is taken among those that are seen.
    ordered = np.sort(np.where(hidden, np.int16(32767), values), axis=0)
    place = (np.maximum((~hidden).sum(0, keepdims=True) - 1, 0) * share).astype(np.intp)
    return np.take_along_axis(ordered, np.broadcast_to(place, (1, *values.shape[1:])), 0)[0]


def _doubled(picture: np.ndarray) -> np.ndarray:
    """Twice the size, linear between the cells' centres."""
    for axis in (0, 1):
        last = picture.shape[axis] - 1
        place = np.arange(last + 1)
        before = picture.take(np.maximum(place - 1, 0), axis)
        after = picture.take(np.minimum(place + 1, last), axis)
        stacked = np.stack([0.75 * picture + 0.25 * before, 0.75 * picture + 0.25 * after], axis + 1)
        shape = list(picture.shape)
        shape[axis] *= 2
        picture = stacked.reshape(shape)
    return picture


def _steps(picture: np.ndarray, known: np.ndarray) -> np.ndarray:
    """``(H, W)`` the larger change to the next pixel, across or down, of what is known."""
    steps = np.zeros(known.shape, np.float32)
    across = np.abs(np.diff(picture, axis=1)).mean(-1) * (known[:, 1:] & known[:, :-1])
    down = np.abs(np.diff(picture, axis=0)).mean(-1) * (known[1:] & known[:-1])
    steps[:, :-1] = across
    steps[:-1] = np.maximum(steps[:-1], down)
    return steps


def _grown(mask: np.ndarray, pixels: int) -> np.ndarray:
    """``(F, H, W)`` bool with every figure larger by so many pixels."""
    for axis in (1, 2):
        grown = mask.copy()
        for step in range(1, pixels + 1):
            ahead, behind = [slice(None)] * 3, [slice(None)] * 3
            ahead[axis], behind[axis] = slice(step, None), slice(None, -step)
            grown[tuple(ahead)] |= mask[tuple(behind)]
            grown[tuple(behind)] |= mask[tuple(ahead)]
        mask = grown
    return mask
