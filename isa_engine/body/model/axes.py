"""SMPL-X's axes and the world's: a body has Y up and looks along +Z, the world is Blender's, with Z up.

Both are right-handed and in metres; (x, y, z) of a body is (x, −z, y) of the world.
"""

import numpy as np

# From a body's axes to the world's, for column vectors.
TO_WORLD = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])


def to_world(points: np.ndarray) -> np.ndarray:
    """Points ``(..., 3)`` in a body's axes to the world's."""
    return np.stack([points[..., 0], -points[..., 2], points[..., 1]], -1)


def from_world(points: np.ndarray) -> np.ndarray:
    """Points ``(..., 3)`` in the world's axes to a body's."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], -1)
