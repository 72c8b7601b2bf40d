"""OpenPose's 18 keypoints of a body and 21 of a hand, out of a shot's skeletons, their lines and colours.

They are of its COCO model. Limbs are drawn at 0.6 of their colour, joints in full colour.
"""

import colorsys

import numpy as np

from isa_engine.body import SMPLX_JOINTS
from isa_engine.body.keypoints import KEYPOINTS, of_skeleton

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
# Once about the colour wheel in steps of 20°, of limbs and joints alike.
COLOURS = np.array([[round(255 * part) for part in colorsys.hsv_to_rgb(k / 18, 1, 1)] for k in range(18)])
LIMB_SHADE = 0.6

# The wrist, then four points a finger.
FINGERS = ("thumb", "index", "middle", "ring", "pinky")
HAND_LIMBS = tuple((0 if k % 4 == 0 else k, k + 1) for k in range(20))
HAND_COLOURS = np.array(
    [[round(255 * part) for part in colorsys.hsv_to_rgb(k / 20, 1, 1)] for k in range(20)]
)
HAND_JOINT_COLOUR = np.array([0, 0, 255])
# From a finger's last joint to its tip, of the phalanx before.
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
    """``(..., 60, 3)`` of a shot to ``(..., 18, 3)``; NaN stays where a joint is not known."""
    coco = of_skeleton(skeleton)
    return np.insert(coco[..., _ORDER, :], _NECK, coco[..., _SHOULDERS, :].mean(-2), axis=-2)


def hand_points(skeleton: np.ndarray) -> np.ndarray:
    """``(..., 60, 3)`` of a shot to ``(..., 2, 21, 3)``, the left hand first; NaN stays."""
    fingers = skeleton[..., _HANDS, :]
    tips = fingers[..., 2, :] + _TIP * (fingers[..., 2, :] - fingers[..., 1, :])
    whole = np.concatenate([fingers, tips[..., None, :]], -2)
    flat = whole.reshape(*whole.shape[:-3], 20, 3)
    return np.concatenate([skeleton[..., _WRISTS, None, :], flat], -2)
