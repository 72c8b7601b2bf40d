"""Fingers' rotations from a hand that was seen: each bone takes the smallest turn to where it points.

Landmarks do not tell how far a finger twists about itself, and fingers hardly do.
"""

import numpy as np

from isa_engine.body.fitting.landmarks import HAND_FINGERS, Hand
from isa_engine.body.model.rotation import aligning, axis_angles, matrices
from isa_engine.body.model.skeleton import SMPLX_JOINTS

# Radians beyond which no joint of a finger bends; a larger turn is an error of the detector, and is cut.
_FARTHEST = 1.75
# Metres. The direction of a shorter bone is noise.
_LEAST = 1e-4
_FIRST = SMPLX_JOINTS.index("left_index1")


def finger_rotations(hand: Hand, side: int, wrist: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Rotations ``(15, 3)``, axis-angle, of a hand's fingers in SMPL-X's order.

    Args:
        hand: what was seen.
        side: 0 left, 1 right.
        wrist: ``(3, 3)`` rotation of the wrist, in the axes of ``hand.shape``.
        rest: ``(55, 3)`` joints at rest.
    """
    found = np.zeros((15, 3))
    for finger, landmark in HAND_FINGERS.items():
        name = f"{('left', 'right')[side]}_{finger}1"
        joint, turned = SMPLX_JOINTS.index(name), wrist
        for phalanx in range(3):
            # No joint follows the last one of a finger, so its tip is taken to lie straight ahead at rest.
            start = min(phalanx, 1)
            bone = rest[joint + start + 1] - rest[joint + start]
            seen = hand.shape[landmark + phalanx + 1] - hand.shape[landmark + phalanx]
            if np.linalg.norm(seen) < _LEAST:
                break
            swing = axis_angles(aligning(bone, turned.T @ seen))
            angle = np.linalg.norm(swing)
            swing = swing * min(1.0, _FARTHEST / max(angle, 1e-9))
            found[joint + phalanx - _FIRST - 15 * side] = swing
            turned = turned @ matrices(swing)
    return found
