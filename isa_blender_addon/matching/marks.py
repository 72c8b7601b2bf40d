"""Joints marked on a picture: where, how far from where the ghost has them, and which is meant by a click."""

import numpy as np

from isa_engine.body.fitting.keypoints import KEYPOINTS

# A click this near a mark, in the screen's pixels, means that mark.
REACH = 12.0
# Share of the figure's size in the picture by which joints of a matched one may lie off.
_CLOSE = 0.02


def in_words(index: int) -> str:
    """What an artist is asked to click: "left shoulder"."""
    return KEYPOINTS[index].replace("_", " ")


def error(marks: np.ndarray, places: np.ndarray) -> float | None:
    """Root of the mean squared distance, in the unit of both; None where nothing known is marked.

    Args:
        marks: ``(17, 2)``, NaN where unmarked.
        places: ``(17, 2)``, NaN where not known.
    """
    known = ~np.isnan(marks + places).any(1)
    if not known.any():
        return None
    return float(np.sqrt(((places - marks)[known] ** 2).sum(1).mean()))


def close(pixels: float, size: float) -> bool:
    """Whether so many pixels between marks and joints are few for a figure of a size in the same picture."""
    return pixels <= _CLOSE * size


def next_unmarked(marks: np.ndarray, skipped: set[int]) -> int | None:
    """The joint to be clicked next; None where all are marked or skipped."""
    unmarked = [index for index in np.flatnonzero(np.isnan(marks).any(1)).tolist() if index not in skipped]
    return unmarked[0] if unmarked else None


def mark_at(marks: np.ndarray, place: np.ndarray) -> int | None:
    """The mark that a click means, both on the screen; None for a place of its own."""
    distance = np.linalg.norm(np.where(np.isnan(marks), np.inf, marks) - place, axis=1)
    nearest = int(distance.argmin())
    return nearest if distance[nearest] <= REACH else None
