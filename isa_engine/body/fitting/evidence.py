"""What is known of how somebody stands in a picture: marks of an artist, a detector's sighting, or both.

Each place is weighed by the error that is expected of it: a mark's is that of a hand on a picture, a
landmark's that of the detector. A landmark that the artist has dragged is a mark.
"""

from dataclasses import dataclass

import numpy as np

from isa_engine.body.fitting.keypoints import KEYPOINTS
from isa_engine.body.fitting.landmarks import LANDMARKS, Sighting
from isa_engine.body.model.rotation import aligning
from isa_engine.errors import BodyError
from isa_engine.geometry.ndc import from_pixels

# Errors that are expected of a mark and of a sure landmark, as shares of the figure's size in the picture.
_MARKED, _DETECTED = 0.006, 0.012
# Pixels. A mark this near to the detector's place was not dragged: a .blend stores places in single
# precision, so even an untouched one differs a little.
_SAME = 0.1
# Marks without which no pose is fitted.
_LEAST = 8
# The certainty, 0 to 1, that even the least certain landmark counts with.
_UNSURE = 0.05


def _bone(start: str, end: str, exact: float) -> tuple[np.ndarray, float]:
    row = np.zeros(len(LANDMARKS))
    for names, sign in ((start.split(), -1), (end.split(), 1)):
        for name in names:
            row[LANDMARKS.index(name)] = sign / len(names)
    return row, exact


# Bones whose direction in space a detector tells, with the error expected of it in radians: that of short
# bones is larger.
_BONES = [
    _bone("right_hip", "left_hip", 0.15),
    _bone("right_shoulder", "left_shoulder", 0.15),
    _bone("left_hip right_hip", "left_shoulder right_shoulder", 0.15),
    _bone("left_shoulder right_shoulder", "left_ear right_ear", 0.25),
    _bone("right_ear", "left_ear", 0.25),
    _bone("left_ear right_ear", "nose", 0.25),
]
for _side in ("left", "right"):
    _BONES += [
        _bone(f"{_side}_shoulder", f"{_side}_elbow", 0.2),
        _bone(f"{_side}_elbow", f"{_side}_wrist", 0.2),
        _bone(f"{_side}_hip", f"{_side}_knee", 0.2),
        _bone(f"{_side}_knee", f"{_side}_ankle", 0.2),
        _bone(f"{_side}_heel", f"{_side}_big_toe", 0.3),
        _bone(f"{_side}_wrist", f"{_side}_index_knuckle {_side}_little_knuckle", 0.35),
        _bone(f"{_side}_little_knuckle", f"{_side}_index_knuckle", 0.35),
    ]
BONES = np.stack([row for row, _ in _BONES])
"""``(D, P)``: this times the places of P landmarks is the vectors along D bones."""
_BONES_EXACT = np.array([exact for _, exact in _BONES])


@dataclass(frozen=True)
class Evidence:
    """What is known of one body in one picture: P landmarks' places, D bones' directions, and weights.

    Attributes:
        places: ``(P, 2)`` pixels; without meaning where ``weights`` is zero.
        weights: ``(P,)``, one over the expected error in pixels.
        marked: ``(P,)`` bool: the landmarks that a fit's error is measured on.
        directions: ``(D, 3)`` unit vectors in the camera's view; without meaning where ``direction_weights``
            is zero.
        direction_weights: ``(D,)``, one over the expected error in radians.
        extent: the larger of the figure's width and height in the picture, pixels.
    """

    places: np.ndarray
    weights: np.ndarray
    marked: np.ndarray
    directions: np.ndarray
    direction_weights: np.ndarray
    extent: float

    @property
    def in_space(self) -> bool:
        """Whether any bone's direction in space is known, and with it depth."""
        return bool(self.direction_weights.any())

    @property
    def turn(self) -> float:
        """Radians about Y from facing the camera, as hips and shoulders lie in space."""
        across = self.directions[:2].sum(0)
        return float(np.arctan2(-across[2], across[0]))


def evidence(
    marks: np.ndarray, size: tuple[int, int], intrinsics: np.ndarray, sighting: Sighting | None = None
) -> Evidence:
    """Weigh what is known.

    Args:
        marks: ``(17, 2)`` pixels, y down; NaN where unmarked.
        size: of the picture, width and height, pixels.
        intrinsics: ``(4,)``, ``geometry.camera``.
        sighting: what a detector saw of the same body.

    Raises:
        BodyError: too few keypoints are marked, or they lie in one place.
    """
    marks = np.asarray(marks, np.float64)
    known = ~np.isnan(marks).any(1)
    if known.sum() < _LEAST:
        problem = f"{known.sum()} of the 17 joints are marked"
        raise BodyError(problem, remedy=f"Mark at least {_LEAST}; shoulders and hips help most.")
    extent = float(np.ptp(marks[known], axis=0).max())
    if extent < 8:
        raise BodyError("the marks lie in one place", remedy="Put each on its joint.")
    places, weights = np.zeros((len(LANDMARKS), 2)), np.zeros(len(LANDMARKS))
    directions, direction_weights = np.zeros((len(BONES), 3)), np.zeros(len(BONES))
    by_hand = known
    if sighting is not None:
        places[:] = sighting.places
        sure = np.maximum(sighting.sure, _UNSURE)
        weights[:] = sure / max(_DETECTED * extent, 1.0)
        by_hand = known & ~(np.abs(marks - sighting.places[: len(KEYPOINTS)]) < _SAME).all(1)
        vectors = BONES @ sighting.shape
        directions[:] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-6)
        directions = directions @ aligning(np.array([0, 0, -1.0]), ray(sighting.middle(), size, intrinsics)).T
        least = np.where(BONES != 0, sure, 1).min(1)
        direction_weights = least / _BONES_EXACT
        # Where a joint was dragged, the detector took something else for it.
        dragged = np.pad(by_hand, (0, len(LANDMARKS) - len(KEYPOINTS)))
        direction_weights[((BONES != 0) & dragged).any(1)] = 0
    places[: len(KEYPOINTS)][by_hand] = marks[by_hand]
    weights[: len(KEYPOINTS)][by_hand] = 1 / max(_MARKED * extent, 1.0)
    marked = np.pad(known, (0, len(LANDMARKS) - len(KEYPOINTS)))
    return Evidence(places, weights, marked, directions, direction_weights, extent)


def ray(place: np.ndarray, size: tuple[int, int], intrinsics: np.ndarray) -> np.ndarray:
    """The point one metre in front of the camera that is seen at a place: ``(3,)`` in the camera's view.

    Args:
        place: ``(2,)`` pixels, y down.
        size: of the picture, width and height, pixels.
        intrinsics: ``(4,)``, ``geometry.camera``.
    """
    fx, fy, cx, cy = intrinsics
    x, y = from_pixels(np.asarray(place), size)
    return np.array([(x - cx) / fx, (y - cy) / fy, -1.0])
