"""The keypoints of posed bodies, to mark and to compare with."""

import numpy as np

from isa_engine.body.fitting.keypoints import HEAD, KEYPOINTS, face_points
from isa_engine.body.model.skeleton import SMPLX_JOINTS

_JOINTS = [SMPLX_JOINTS.index(name) for name in KEYPOINTS[5:]]


def keypoints(joints: np.ndarray, head_rotation: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """The keypoints of posed bodies.

    Args:
        joints: ``(..., ≥22, 3)`` posed.
        head_rotation: ``(..., 3, 3)``, from the head at rest to the head in the space of ``joints``.
        rest: ``(55, 3)`` joints at rest.

    Returns:
        ``(..., 17, 3)``.
    """
    offsets = face_points(rest) - rest[HEAD]
    face = joints[..., None, HEAD, :] + np.einsum("...ab,kb->...ka", head_rotation, offsets)
    return np.concatenate([face, joints[..., _JOINTS, :]], -2)
