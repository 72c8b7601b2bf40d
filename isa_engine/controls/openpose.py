"""OpenPose's keypoints, 18 of a body (its COCO model) and 21 of a hand, from a shot's skeletons; which of
them are joined, and in which colours.

Limbs are drawn at 0.6 of their colour, joints in full colour.
"""

import colorsys

import numpy as np

from isa_engine.body import SMPLX_JOINTS
from isa_engine.body.fitting.keypoints import KEYPOINTS, of_skeleton

# The neck is the middle between the shoulders.
BODY: tuple[str, ...] = (
    *("nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow"),
    *("left_wrist", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle"),
    *("right_eye", "left_eye", "right_ear", "left_ear"),
)
BODY_LIMBS = (
    *((1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10)),
    *((1, 11), (11, 12), (12, 13), (1, 0), (0, 14), (14, 16), (0, 15), (15, 17)),
)
# Once around the colour wheel in steps of 20°, for limbs and joints alike.
COLOURS = np.array([[round(255 * part) for part in colorsys.hsv_to_rgb(k / 18, 1, 1)] for k in range(18)])
LIMB_SHADE = 0.6

# The wrist, then four points a finger.
FINGERS = ("thumb", "index", "middle", "ring", "pinky")
HAND_LIMBS = tuple((0 if k % 4 == 0 else k, k + 1) for k in range(20))
HAND_COLOURS = np.array(
    [[round(255 * part) for part in colorsys.hsv_to_rgb(k / 20, 1, 1)] for k in range(20)]
)
HAND_JOINT_COLOUR = np.array([0, 0, 255])
# SMPL-X has no fingertips: the last phalanx of a finger is taken to be so long, in lengths of the one before.
_TIP = 0.8

_NECK = BODY.index("neck")
_ORDER = [KEYPOINTS.index(name) for name in BODY if name != "neck"]
_SHOULDERS = [KEYPOINTS.index(f"{side}_shoulder") for side in ("left", "right")]
_HANDS = [
    [[SMPLX_JOINTS.index(f"{side}_{finger}{k}") for k in (1, 2, 3)] for finger in FINGERS]
    for side in ("left", "right")
]
_WRISTS = [SMPLX_JOINTS.index(f"{side}_wrist") for side in ("left", "right")]


def body_points(skeleton: np.ndarray) -> np.ndarray:
    """OpenPose's body of a shot's skeletons: ``(..., 60, 3)`` to ``(..., 18, 3)``; joints that are not known
    are NaN in both."""
    coco = of_skeleton(skeleton)
    return np.insert(coco[..., _ORDER, :], _NECK, coco[..., _SHOULDERS, :].mean(-2), axis=-2)


def hand_points(skeleton: np.ndarray) -> np.ndarray:
    """OpenPose's hands of a shot's skeletons: ``(..., 60, 3)`` to ``(..., 2, 21, 3)``, the left hand first;
    joints that are not known are NaN in both."""
    fingers = skeleton[..., _HANDS, :]
    tips = fingers[..., 2, :] + _TIP * (fingers[..., 2, :] - fingers[..., 1, :])
    whole = np.concatenate([fingers, tips[..., None, :]], -2)
    flat = whole.reshape(*whole.shape[:-3], 20, 3)
    return np.concatenate([skeleton[..., _WRISTS, None, :], flat], -2)
