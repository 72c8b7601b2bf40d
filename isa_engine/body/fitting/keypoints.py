"""The 17 keypoints of COCO on a body of the SMPL-X layout: what is marked on a picture."""

import numpy as np

from isa_engine.body.model.skeleton import SMPLX_JOINTS

KEYPOINTS: tuple[str, ...] = (
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear"),
    *(
        f"{side}_{joint}"
        for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
        for side in ("left", "right")
    ),
)
# Pairs of keypoints between which a figure's lines are drawn.
LIMBS: tuple[tuple[int, int], ...] = (
    *((0, 1), (0, 2), (1, 3), (2, 4)),
    *((5, 6), (5, 7), (7, 9), (6, 8), (8, 10)),
    *((5, 11), (6, 12), (11, 12), (11, 13), (13, 15), (12, 14), (14, 16)),
)
# The body's joints, without face and hands, which keypoints say nothing of.
BODY_JOINTS = 22
HEAD = SMPLX_JOINTS.index("head")
_EYES = SMPLX_JOINTS.index("left_eye_smplhf"), SMPLX_JOINTS.index("right_eye_smplhf")
# Places on the open body, from the middle between the eyes, in units of the eyes' distance.
_NOSE, _LEFT_EAR = np.array([0.0, -0.66, 0.72]), np.array([1.44, -0.10, -1.50])
_JOINTS = [SMPLX_JOINTS.index(name) for name in KEYPOINTS[5:]]


def of_skeleton(skeleton: np.ndarray) -> np.ndarray:
    """The keypoints ``(..., 17, 3)`` among a character's joints and face points ``(..., 60, 3)``."""
    return np.concatenate([skeleton[..., len(SMPLX_JOINTS) :, :], skeleton[..., _JOINTS, :]], -2)


def face_points(joints: np.ndarray) -> np.ndarray:
    """Nose, eyes and ears of a body at rest, ``(5, 3)``; they move with the head.

    Args:
        joints: ``(55, 3)`` at rest, Y up, facing +Z.
    """
    left, right = joints[list(_EYES)]
    middle, apart = (left + right) / 2, np.linalg.norm(left - right)
    ear = apart * _LEFT_EAR
    return np.stack([middle + apart * _NOSE, left, right, middle + ear, middle + ear * [-1, 1, 1]])
