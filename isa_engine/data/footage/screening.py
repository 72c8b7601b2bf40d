"""What makes footage unfit: cuts, blur, figures that are tiny or that nobody tracked, tracks that stray.

Each measure is of a few numbers that do not depend on the picture's size.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from isa_engine.body.model.rotation import axis_angles, matrices
from isa_engine.data.recordings.unfit import Unfit

# Thumbnails that frames are compared on, rows and columns.
_THUMBNAIL = 36, 64
# Neighbours on each side that a change is compared with.
_NEIGHBOURS = 4
# Pixels over which a picture is blurred again, to see whether that changes it.
_REBLUR = 9


@dataclass(frozen=True)
class Limits:
    """How bad a clip may be before it is left out.

    Attributes:
        cut, cut_ratio: a cut is a change from frame to frame by more levels of 255 than the first, which is
            so many times as large as the changes around it.
        blur: most of ``blurriness``.
        smallest: height of every figure over the picture's, median over the frames.
        astray: most of a body's points that are off its mask, median over the frames.
        untracked: most of the mask's pixels that belong to nobody who is tracked.
        speed: metres a second that a pelvis may move.
        turn: radians that a pelvis may turn from frame to frame.
    """

    cut: float = 20.0
    cut_ratio: float = 4.0
    blur: float = 0.6
    smallest: float = 0.15
    astray: float = 0.3
    untracked: float = 0.1
    speed: float = 15.0
    turn: float = 1.5


def thumbnail(frame: np.ndarray) -> np.ndarray:
    """``(36, 64, 3)`` float32: means over the cells of ``(H, W, 3)``."""
    rows = np.linspace(0, frame.shape[0], _THUMBNAIL[0] + 1).astype(int)[:-1]
    columns = np.linspace(0, frame.shape[1], _THUMBNAIL[1] + 1).astype(int)[:-1]
    # reduceat takes one element where a cell has none.
    down, across = (
        np.maximum(np.diff([*starts, size]), 1)
        for starts, size in ((rows, frame.shape[0]), (columns, frame.shape[1]))
    )
    sums = np.add.reduceat(np.add.reduceat(frame.astype(np.float32), rows, 0), columns, 1)
    return sums / (down[:, None] * across)[..., None]


def shots(thumbnails: np.ndarray, limits: Limits) -> list[slice]:
    """The frames between cuts. A cut changes the whole picture at once, so much more than around it; fades
    and dissolves are not found.

    Args:
        thumbnails: ``(F, 36, 64, 3)``.
    """
    change = np.abs(np.diff(thumbnails, axis=0)).mean((1, 2, 3))
    cuts = []
    for i in np.flatnonzero(change > limits.cut):
        around = np.concatenate([change[max(0, i - _NEIGHBOURS) : i], change[i + 1 : i + 1 + _NEIGHBOURS]])
        if not len(around) or change[i] > limits.cut_ratio * np.median(around):
            cuts.append(int(i) + 1)
    bounds = [0, *cuts, len(thumbnails)]
    return [slice(start, end) for start, end in itertools.pairwise(bounds)]


def blurriness(picture: np.ndarray, mask: np.ndarray) -> float:
    """How little changes within the figure when it is blurred again: 0 sharp, 1 without any detail
    (Crete et al. 2007).

    Args:
        picture: ``(H, W, 3)`` uint8.
        mask: ``(H, W)`` bool, not empty.
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    grey, inside = picture[box].astype(np.float32).mean(-1), mask[box]
    worst = 0.0
    for image, within in ((grey, inside), (grey.T, inside.T)):
        if len(image) < 2:
            continue
        reblurred = _box_filter(image)
        both = within[1:] & within[:-1]
        detail = np.abs(np.diff(image, axis=0))[both]
        left = np.abs(np.diff(reblurred, axis=0))[both]
        lost = np.maximum(detail - left, 0).sum()
        worst = max(worst, 1 - float(lost / detail.sum()) if detail.sum() > 0 else 1.0)
    return worst


def _box_filter(image: np.ndarray) -> np.ndarray:
    """Means over ``_REBLUR`` rows, edges repeated."""
    half = _REBLUR // 2
    padded = np.pad(image, ((half + 1, half), (0, 0)), mode="edge")
    sums = padded.cumsum(0, dtype=np.float64)
    return (sums[_REBLUR:] - sums[:-_REBLUR]) / _REBLUR


def check_picture(video: np.ndarray, mask: np.ndarray, people: int, limits: Limits) -> None:
    """Raise unless everybody is sharp and large enough.

    Args:
        video: ``(F, H, W, 3)`` uint8.
        mask: ``(F, H, W)`` uint8, k the k-th of ``people``.
    """
    for k in range(1, people + 1):
        heights = [np.flatnonzero(frame.any(1)) for frame in mask == k]
        share = np.median([np.ptp(rows) + 1 if len(rows) else 0 for rows in heights]) / mask.shape[1]
        if share < limits.smallest:
            raise Unfit("tiny figure", f"figure {k} fills {share:.2f} of the height")
    # A few frames are enough: a slow shutter blurs a whole video.
    sampled = np.unique(np.linspace(0, len(video) - 1, 8).astype(int))
    blurred = np.median([blurriness(video[f], mask[f] > 0) for f in sampled if mask[f].any()])
    if blurred > limits.blur:
        raise Unfit("blur", f"the figures' blurriness is {blurred:.2f}")


def check_movement(rotations: np.ndarray, pelvis: np.ndarray, fps: float, limits: Limits) -> None:
    """Raise where somebody jumps as a tracker does that mistook one person for another.

    Args:
        rotations, pelvis: ``(F, 3)`` axis-angle and ``(F, 3)`` metres.
    """
    if len(pelvis) < 2:
        return
    speed = np.linalg.norm(np.diff(pelvis, axis=0), axis=1).max() * fps
    if speed > limits.speed:
        raise Unfit("bad track", f"somebody moves at {speed:.0f} m/s")
    turned = matrices(rotations)
    turn = np.linalg.norm(axis_angles(np.swapaxes(turned[:-1], -1, -2) @ turned[1:]), axis=-1).max()
    if turn > limits.turn:
        raise Unfit("bad track", f"somebody turns by {turn:.1f} radians from frame to frame")


def on_mask(pixels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Which value of the mask each point lies on: ``(F, N)``, −1 off the picture.

    Args:
        pixels: ``(F, N, 2)`` columns and rows; not finite where a point is behind the camera.
        mask: ``(F, H, W)``.
    """
    height, width = mask.shape[1:]
    column, row = np.floor(np.nan_to_num(pixels, nan=-1.0, posinf=-1.0, neginf=-1.0)).clip(-1, 2**30).T
    column, row = column.T.astype(int), row.T.astype(int)
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    frame = np.arange(len(mask))[:, None]
    value = mask[frame, row.clip(0, height - 1), column.clip(0, width - 1)].astype(int)
    return np.where(inside, value, -1)


def matched(values: np.ndarray, mask: np.ndarray, limits: Limits) -> np.ndarray:
    """The mask renumbered to the order of the people whose points lie on it.

    Args:
        values: ``(F, K, N)`` of ``on_mask``, K at least one.
        mask: ``(F, H, W)`` uint8, any number for each person.

    Returns:
        ``(F, H, W)`` uint8, k the k-th person, 0 also where somebody is who was not tracked.

    Raises:
        Unfit: a body strays off every mask, or much of the mask is nobody's.
    """
    numbers = [int(n) for n in np.unique(mask) if n]
    shares = np.array([[(values[:, k] == n).mean() for n in numbers] for k in range(values.shape[1])])
    renumbered = np.zeros_like(mask)
    for _ in range(min(shares.shape)):
        k, n = np.unravel_index(shares.argmax(), shares.shape)
        renumbered[mask == numbers[n]] = k + 1
        shares[k], shares[:, n] = -1, -1
    for k in range(values.shape[1]):
        # Points of somebody who stands behind another lie on the other's mask; those beyond the picture lie
        # on none.
        seen = (values[:, k] >= 0).sum(1)
        off = np.median((values[:, k] == 0).sum(1) / np.maximum(seen, 1))
        if off > limits.astray or not (renumbered == k + 1).any() or np.median(seen) == 0:
            raise Unfit("bad track", f"{off:.2f} of somebody's points are off the mask")
    strangers = ((mask > 0) & (renumbered == 0)).sum() / max((mask > 0).sum(), 1)
    if strangers > limits.untracked:
        raise Unfit("somebody untracked", f"{strangers:.2f} of the mask is nobody's who is tracked")
    return renumbered
