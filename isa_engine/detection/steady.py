"""One person's sightings made steady over time: left and right do not swap, and leaps count for little.

When somebody is seen from the side, a single frame does not tell left from right; the frames before do.
"""

from dataclasses import replace

import numpy as np

from isa_engine.body.fitting.landmarks import LANDMARKS, Sighting

# Left and right of the arms or the legs are swapped if their landmarks are then nearer to those of the frame
# before, by this factor.
_SHORTER = 0.6
# A landmark that is farther from the median over so many frames on each side than this share of the person's
# size has leapt: its certainty is multiplied by the last number.
_REACH, _LEAP, _DOUBTED = 3, 0.1, 0.05
_LIMBS = [
    [[LANDMARKS.index(f"{side}_{point}") for point in points] for side in ("left", "right")]
    for points in (
        ("hip", "knee", "ankle", "big_toe", "heel"),
        ("shoulder", "elbow", "wrist", "index_knuckle", "little_knuckle"),
    )
]
_ARMS = 1
# A person's usual size is the median over so many frames on each side. A sighting that is larger or smaller
# by more than this factor is of something else.
_LONG, _GROWN = 12, 1.25


def steadied(sightings: list[Sighting]) -> list[Sighting | None]:
    """One person's sightings, in the order of frames, made steady; None for a frame in which the person
    suddenly has another size, for there the detector saw something else."""
    kept: list[Sighting] = []
    for sighting in sightings:
        kept.append(_sides_as(kept[-1], sighting) if kept else sighting)
    places, sizes = np.stack([sighting.places for sighting in kept]), np.array([_scale(one) for one in kept])
    steady: list[Sighting | None] = []
    for number, sighting in enumerate(kept):
        usual = np.median(sizes[max(number - _LONG, 0) : number + _LONG + 1])
        if not 1 / _GROWN < sizes[number] / usual < _GROWN:
            steady.append(None)
            continue
        around = np.median(places[max(number - _REACH, 0) : number + _REACH + 1], 0)
        off = np.linalg.norm(sighting.places - around, axis=1)
        doubt = np.where(off > _LEAP * np.ptp(around, axis=0).max(), _DOUBTED, 1.0)
        steady.append(replace(sighting, sure=sighting.sure * doubt))
    return steady


def _scale(sighting: Sighting) -> float:
    """Pixels that a metre takes up, which does not depend on the pose."""
    flat, seen = (part - part.mean(0) for part in (sighting.shape[:, :2], sighting.places))
    return float(np.sqrt((seen**2).sum() / max((flat**2).sum(), 1e-6)))


def _sides_as(before: Sighting, now: Sighting) -> Sighting:
    for limb, (left, right) in enumerate(_LIMBS):
        both, other = left + right, right + left
        straight = np.linalg.norm(now.places[both] - before.places[both], axis=1).sum()
        crossed = np.linalg.norm(now.places[other] - before.places[both], axis=1).sum()
        if crossed < _SHORTER * straight:
            parts = [part.copy() for part in (now.places, now.shape, now.sure)]
            for part in parts:
                part[both] = part[other]
            hands = now.hands[::-1] if limb == _ARMS else now.hands
            now = Sighting(*parts, (hands[0], hands[1]))
    return now
