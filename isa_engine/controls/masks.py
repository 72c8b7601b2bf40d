"""Masks of what a model may paint: white is painted, black is kept. They are wider than bodies, since hair
and cloth reach beyond the skin."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from isa_engine.controls.surfaces import Seen, Surface, figure_size, pixels_a_metre, see, surface_of
from isa_engine.shot import Shot

# How far hair and cloth reach beyond the skin, as a share of ``figure_size``: about 10 cm of an adult.
REACH = 0.08


def grown_masks(
    shot: Shot, size: tuple[int, int], frames: Iterable[int] | None = None
) -> Iterator[np.ndarray]:
    """Everybody with room for hair and cloth, which is wider for large figures and for near ones.

    Args:
        frames: those of which masks are made, counted from 0; None: all.

    Yields:
        ``(height, width, 3)`` uint8, 255 or 0.
    """
    for figures in _figures(shot, size, range(shot.frames) if frames is None else frames):
        yield _picture(np.logical_or.reduce([figure.mask for figure in figures]))


def box_masks(shot: Shot, size: tuple[int, int], frames: Iterable[int] | None = None) -> Iterator[np.ndarray]:
    """A rectangle around each figure, with the same room; arguments and pictures as of ``grown_masks``."""
    for figures in _figures(shot, size, range(shot.frames) if frames is None else frames):
        yield _picture(np.logical_or.reduce([_boxed(figure.mask) for figure in figures]))


def own_masks(
    shot: Shot, size: tuple[int, int], cast: Sequence[int], frames: Iterable[int]
) -> Iterator[list[np.ndarray]]:
    """Characters with the same room, each without what of those before it is nearer there.

    Where the shot's people are painted in boxes, each has beside that what its box holds of nobody before it:
    only a body covers a body that is painted already.

    Args:
        cast: indices into the shot's characters.
        frames: those of which masks are made, counted from 0.

    Yields:
        a mask ``(height, width)`` bool for each of them.
    """
    for figures in _figures(shot, size, frames, cast):
        masks = []
        for place, own in enumerate(figures):
            mask, box = own.mask.copy(), _boxed(own.mask)
            for other in figures[:place]:
                mask &= ~(other.mask & (other.depth < own.depth))
                box &= ~other.mask
            masks.append(mask | box if shot.settings.painted == "boxes" else mask)
        yield masks


def grown(mask: np.ndarray, radius: float) -> np.ndarray:
    """A mask ``(height, width)``, grown by all pixels whose centres are within a radius (pixels) of it."""
    height, away, result = len(mask), _columns_away(mask), mask.copy()
    for up in range(min(int(radius), height - 1) + 1):
        wide = away <= int(np.sqrt(radius**2 - up**2))
        result[: height - up] |= wide[up:]
        result[up:] |= wide[: height - up]
    return result


def _boxed(mask: np.ndarray) -> np.ndarray:
    """The rectangle about a mask; none about an empty one."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = np.zeros_like(mask)
    if len(rows):
        box[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    return box


def _columns_away(mask: np.ndarray) -> np.ndarray:
    """How many columns each pixel is from the nearest one of a mask in its row; where its row has none, more
    than any radius."""
    columns, far = np.arange(mask.shape[1], dtype=np.int32), np.int32(2**30)
    before = np.maximum.accumulate(np.where(mask, columns, -far), axis=1)
    behind = np.minimum.accumulate(np.where(mask, columns, far)[:, ::-1], axis=1)[:, ::-1]
    return np.minimum(columns - before, behind - columns)


@dataclass(frozen=True)
class _Figure:
    """
    Attributes:
        mask: ``(height, width)`` bool, with room for hair and cloth.
        depth: ``(height, width)`` metres: of the skin where it is, of the figure as a whole elsewhere.
    """

    mask: np.ndarray
    depth: np.ndarray


def _figures(
    shot: Shot, size: tuple[int, int], frames: Iterable[int], cast: Sequence[int] | None = None
) -> Iterator[list[_Figure]]:
    """For each frame those of the cast, or everybody; with an empty mask whom it does not show."""
    cast, views = range(len(shot.characters)) if cast is None else cast, shot.mvp
    sizes = [figure_size(shot.characters[who]) for who in cast]
    for frame in frames:
        surface = surface_of(shot, frame)
        zoom = pixels_a_metre(shot, frame, size)
        figures = []
        for who, metres in zip(cast, sizes, strict=True):
            seen = see(_alone(surface, who), views[frame], size)
            mask, depth = seen.owner == who, seen.depth
            if mask.any():
                distance = _distance(seen)
                mask, depth = grown(mask, REACH * metres * zoom / distance), np.where(mask, depth, distance)
            figures.append(_Figure(mask, depth))
        yield figures


def _alone(surface: Surface, index: int) -> Surface:
    """One character's surface alone, so that no other hides it."""
    own = surface.owner == index
    return Surface(surface.points, surface.triangles[own], surface.owner[own])


def _distance(seen: Seen) -> float:
    """Of somebody who is seen, from the camera, metres: the median over the skin's pixels."""
    return float(np.median(seen.depth[seen.owner >= 0]))


def _picture(mask: np.ndarray) -> np.ndarray:
    return np.repeat(np.where(mask, 255, 0).astype(np.uint8)[..., None], 3, axis=2)
