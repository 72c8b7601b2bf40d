"""Detections linked into people, for trackers that number whom they see anew in each frame."""

import numpy as np

# How far somebody gets from one detection to the next: metres across the view, a factor of size, and frames
# between the two.
_FURTHEST, _GROWTH, _GAP = 0.5, 1.4, 8


def linked(frames: np.ndarray, pixel: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Whom each detection shows: the nearest pairs of successive detections are the same person.

    Args:
        frames: ``(M,)`` int64.
        pixel: ``(M, 2)`` where each is seen.
        scale: ``(M,)`` pixels a metre there.

    Returns:
        ``(M,)`` int64, people in the order in which they appear.
    """
    people = np.full(len(frames), -1)
    last: list[int] = []
    for frame in np.unique(frames):
        now = np.flatnonzero(frames == frame)
        for person, at in _pairs(last, now, frames, pixel, scale):
            people[at], last[person] = person, at
        for at in now[people[now] < 0]:
            people[at] = len(last)
            last.append(at)
    return people


def _pairs(
    last: list[int], now: np.ndarray, frames: np.ndarray, pixel: np.ndarray, scale: np.ndarray
) -> list[tuple[int, int]]:
    """People and their next detections, each of either once, nearest first."""
    candidates = []
    for person, before in enumerate(last):
        for at in now:
            metres = np.linalg.norm(pixel[at] - pixel[before]) / min(scale[at], scale[before])
            growth = max(scale[at], scale[before]) / min(scale[at], scale[before])
            if frames[at] - frames[before] <= _GAP and metres <= _FURTHEST and growth <= _GROWTH:
                candidates.append((metres + np.log(growth), person, int(at)))
    chosen: dict[int, int] = {}
    for _, person, at in sorted(candidates):
        if person not in chosen and at not in chosen.values():
            chosen[person] = at
    return list(chosen.items())
