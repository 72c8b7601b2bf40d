"""Which points of a body other bodies hide from a camera, told from surface points alone."""

import numpy as np

from isa_engine.geometry.ndc import project

# Metres. Each surface point hides what is behind the disc of this radius around it: half of the distance
# between such points on a body.
_REACH = 0.06


def hidden(points: np.ndarray, others: np.ndarray, mvp: np.ndarray) -> np.ndarray:
    """Which points of a body are behind another one. That a body also hides its own back is not counted.

    Args:
        points: ``(N, 3)`` on one body, world, metres.
        others: ``(M, 3)`` on other bodies.
        mvp: ``(4, 4)`` of a perspective camera.

    Returns:
        ``(N,)`` bool; false for points behind the camera.
    """
    here, in_front = project(np.asarray(points, np.float64), mvp)
    there, before_us = project(np.asarray(others, np.float64), mvp)
    depth, their_depth = (place @ mvp[3, :3] + mvp[3, 3] for place in (points, others))
    # How much of NDC a metre across the view takes up at a depth of one metre.
    zoom = np.linalg.norm(mvp[:2, :3], axis=1)
    aside = (here[:, None, :2] - there[:, :2]) / zoom * their_depth[:, None]
    covered = (np.square(aside).sum(-1) < _REACH**2) & (their_depth < depth[:, None]) & before_us
    return covered.any(1) & in_front
