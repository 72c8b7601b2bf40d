"""Who hides whom from a camera, told from surface points alone."""

import numpy as np

from isa_engine.geometry.ndc import project

# Half the distance, in metres, of a body's surface points: each stands for the skin around it.
_REACH = 0.06


def hidden(points: np.ndarray, others: np.ndarray, mvp: np.ndarray) -> np.ndarray:
    """Which points somebody else stands before.

    A body also hides its own back; that is not asked here.

    Args:
        points: ``(N, 3)`` on one body, world, metres.
        others: ``(M, 3)`` on other bodies.
        mvp: ``(4, 4)`` of a perspective camera.

    Returns:
        ``(N,)`` bool; false of points behind the camera.
    """
    here, in_front = project(np.asarray(points, np.float64), mvp)
    there, before_us = project(np.asarray(others, np.float64), mvp)
    depth, their_depth = (place @ mvp[3, :3] + mvp[3, 3] for place in (points, others))
    # Units of NDC that a metre across the view takes up, one metre from the camera.
    zoom = np.linalg.norm(mvp[:2, :3], axis=1)
    aside = (here[:, None, :2] - there[:, :2]) / zoom * their_depth[:, None]
    covered = (np.square(aside).sum(-1) < _REACH**2) & (their_depth < depth[:, None]) & before_us
    return covered.any(1) & in_front
