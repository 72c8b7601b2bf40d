"""Sightings of known bodies, as a perfect detector would have them, and networks that see such bodies."""

from dataclasses import replace

import numpy as np

from isa_engine.body import SMPLX_JOINTS, BodyModel
from isa_engine.body.fitting.evidence import ray
from isa_engine.body.fitting.landmarks import HAND_FINGERS, LANDMARKS, Hand, Sighting, carriers
from isa_engine.body.model.rotation import aligning, matrices
from isa_engine.body.model.skeleton import SMPLX_PARENTS
from isa_engine.detection.mapping import BODY, BODY_COUNT, Seen


def turned(rotations: np.ndarray) -> np.ndarray:
    """Rotations of the joints in the body's space, ``(55, 3, 3)``."""
    found = matrices(rotations)
    for joint, parent in enumerate(SMPLX_PARENTS):
        if parent >= 0:
            found[joint] = found[parent] @ found[joint]
    return found


def in_picture(points: np.ndarray, size: tuple[int, int], intrinsics: np.ndarray) -> np.ndarray:
    fx, fy, cx, cy = intrinsics
    ndc = np.stack([fx * points[:, 0] / -points[:, 2] + cx, fy * points[:, 1] / -points[:, 2] + cy], 1)
    return (ndc * [1, -1] + 1) / 2 * size


def sighting(
    body: BodyModel,
    rotations: np.ndarray,
    place: np.ndarray,
    size: tuple[int, int],
    intrinsics: np.ndarray,
    hands: bool = False,
    elsewhere: np.ndarray | float = 0.0,
) -> Sighting:
    """Of a posed body whose pelvis is at a place before the camera.

    Args:
        elsewhere: ``(P, 3)`` metres that landmarks are seen from where they are.
    """
    rest = body.joints().astype(np.float64)
    _, joints = body.pose(rotations=rotations, translation=place - rest[0], vertices=[0])
    turns = turned(rotations)
    on, offsets = carriers(rest)
    points = joints[on] + np.einsum("pab,pb->pa", turns[on], offsets + elsewhere)
    hips = points[[LANDMARKS.index("left_hip"), LANDMARKS.index("right_hip")]].mean(0)
    both = tuple(
        _hand(joints, turns, rest, side, size, intrinsics) if hands else None for side in ("left", "right")
    )
    places = in_picture(points, size, intrinsics)
    seen = Sighting(places, points - hips, np.full(len(LANDMARKS), 0.99), both)
    turn = aligning(np.array([0, 0, -1.0]), ray(seen.middle(), size, intrinsics))
    return replace(seen, shape=seen.shape @ turn)


def _hand(joints, turns, rest, side: str, size, intrinsics) -> Hand:
    points = np.zeros((21, 3))
    points[0] = joints[SMPLX_JOINTS.index(f"{side}_wrist")]
    for finger, first in HAND_FINGERS.items():
        joint = SMPLX_JOINTS.index(f"{side}_{finger}1")
        points[first : first + 3] = joints[joint : joint + 3]
        tip = rest[joint + 2] - rest[joint + 1]
        points[first + 3] = points[first + 2] + turns[joint + 2] @ tip
    return Hand(in_picture(points, size, intrinsics), points)


def seen(places: np.ndarray, sure: float = 0.9) -> Seen:
    """What the network of bodies would say of somebody, flat before the camera, at our landmarks' places."""
    all_places = np.tile(places.mean(0), (BODY_COUNT, 1))
    all_places[BODY] = places
    metre = np.ptp(places[:, 1]) / 1.7
    shape = np.zeros((BODY_COUNT, 3))
    shape[:, :2] = (all_places - places.mean(0)) / metre * [1, -1]
    return Seen(all_places, shape, np.full(BODY_COUNT, sure))


# Of somebody who stands upright, as shares of a height of one, from the head's top left: LANDMARKS' order.
_HALF = {
    **{"eye": (0.02, 0.06), "ear": (0.04, 0.07), "shoulder": (0.11, 0.2), "elbow": (0.14, 0.37)},
    **{"wrist": (0.15, 0.52), "hip": (0.06, 0.52), "knee": (0.06, 0.74), "ankle": (0.06, 0.95)},
    **{"big_toe": (0.08, 0.99), "heel": (0.05, 0.98), "index_knuckle": (0.16, 0.57)},
    **{"little_knuckle": (0.14, 0.57)},
}


def upright(middle: float, top: float, height: float) -> np.ndarray:
    """Places ``(P, 2)`` of somebody who faces the camera."""
    places = []
    for name in LANDMARKS:
        side, _, point = name.partition("_")
        across, down = _HALF[point] if point else (0.0, 0.08)
        # Who faces the camera has the left hand on its right.
        sign = {"left": 1, "right": -1}.get(side, 0)
        places.append([middle + sign * across * height, top + down * height])
    return np.array(places)
