"""The 55 joints of SMPL-X: names, parents and mirror image; and the trees of its family."""

import numpy as np

SMPLX_JOINTS: tuple[str, ...] = (
    *("pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2"),
    *("left_ankle", "right_ankle", "spine3", "left_foot", "right_foot", "neck"),
    *("left_collar", "right_collar", "head", "left_shoulder", "right_shoulder"),
    *("left_elbow", "right_elbow", "left_wrist", "right_wrist"),
    *("jaw", "left_eye_smplhf", "right_eye_smplhf"),
    *(
        f"{side}_{finger}{phalanx}"
        for side in ("left", "right")
        for finger in ("index", "middle", "pinky", "ring", "thumb")
        for phalanx in (1, 2, 3)
    ),
)

# The parameters in which files of SMPL-X have them, in the order of the joints, and how many each holds.
SMPLX_PARTS: dict[str, int] = {
    "global_orient": 1,
    "body_pose": 21,
    "jaw_pose": 1,
    "leye_pose": 1,
    "reye_pose": 1,
    "left_hand_pose": 15,
    "right_hand_pose": 15,
}

_BODY_PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 15, 15, 15)

# A finger's first joint hangs from the wrist, the others from the one before.
SMPLX_PARENTS: tuple[int, ...] = _BODY_PARENTS + tuple(
    j - 1 if (j - 25) % 3 else (20 if j < 40 else 21) for j in range(25, 55)
)

# The joint that each becomes in a mirror.
MIRRORED = [
    SMPLX_JOINTS.index(name.replace("left", "@").replace("right", "left").replace("@", "right"))
    for name in SMPLX_JOINTS
]

# Parents of each layout's joints. SMPL ends in two hands without fingers, SMPL-H has no jaw and no eyes, and
# FLAME is a root, the neck, the jaw and the eyes.
TREES: dict[str, tuple[int, ...]] = {
    "SMPL-X": SMPLX_PARENTS,
    "SMPL-H": _BODY_PARENTS[:22]
    + tuple(j - 1 if (j - 22) % 3 else (20 if j < 37 else 21) for j in range(22, 52)),
    "SMPL": (*_BODY_PARENTS[:22], 20, 21),
    "FLAME": (-1, 0, 1, 1, 1),
}


def mirrored(rotations: np.ndarray) -> np.ndarray:
    """The mirror image, left and right exchanged, of poses ``(..., J, 3)`` in axis-angle.

    Args:
        rotations: of the first J joints: all 55, or the body's 22.
    """
    return rotations[..., MIRRORED[: rotations.shape[-2]], :] * [1, -1, -1]
