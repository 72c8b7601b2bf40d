"""Rotations as axis-angle vectors (radians), matrices and unit quaternions ``(w, x, y, z)``."""

import numpy as np


def matrices(axis_angle: np.ndarray) -> np.ndarray:
    """Rodrigues' formula: ``(..., 3)`` to ``(..., 3, 3)``."""
    angle = np.linalg.norm(axis_angle, axis=-1)[..., None, None]
    x, y, z = np.moveaxis(np.asarray(axis_angle, np.float64), -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(*x.shape, 3, 3)
    # sin(a)/a and (1 − cos(a))/a², written by sinc so that they are finite at a = 0.
    first = np.sinc(angle / np.pi)
    second = 0.5 * np.sinc(angle / (2 * np.pi)) ** 2
    return np.eye(3) + first * cross + second * (cross @ cross)


def quaternions(rotation: np.ndarray) -> np.ndarray:
    """Matrices ``(..., 3, 3)`` to unit quaternions ``(..., 4)``, exact at half turns too."""
    m = np.asarray(rotation, np.float64)
    xx, yy, zz = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    wx, wy, wz = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    xy, xz, yz = m[..., 1, 0] + m[..., 0, 1], m[..., 0, 2] + m[..., 2, 0], m[..., 2, 1] + m[..., 1, 2]
    # Rows of 4·q·qᵀ, each a multiple of q. The row with the largest diagonal is the longest, and normalising
    # it loses the least precision.
    outer = np.stack(
        [
            np.stack([1 + xx + yy + zz, wx, wy, wz], -1),
            np.stack([wx, 1 + xx - yy - zz, xy, xz], -1),
            np.stack([wy, xy, 1 - xx + yy - zz, yz], -1),
            np.stack([wz, xz, yz, 1 - xx - yy + zz], -1),
        ],
        -2,
    )
    largest = np.argmax(np.diagonal(outer, axis1=-2, axis2=-1), -1)
    row = np.take_along_axis(outer, largest[..., None, None], -2)[..., 0, :]
    return row / np.linalg.norm(row, axis=-1, keepdims=True)


def axis_angles(rotation: np.ndarray) -> np.ndarray:
    """Matrices ``(..., 3, 3)`` to vectors ``(..., 3)`` of at most half a turn."""
    return _logarithm(quaternions(rotation))


def interpolate(start: np.ndarray, end: np.ndarray, fraction: np.ndarray) -> np.ndarray:
    """The shortest way from one rotation to another, at constant speed.

    Args:
        start, end: axis-angle ``(..., 3)``.
        fraction: broadcasts against ``(...)``; 0 is ``start``.

    Returns:
        Axis-angle ``(..., 3)``.
    """
    first = matrices(start)
    between = axis_angles(np.swapaxes(first, -1, -2) @ matrices(end))
    return axis_angles(first @ matrices(between * np.asarray(fraction)[..., None]))


def aligning(direction: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The smallest rotation ``(3, 3)`` that turns one vector onto another's direction."""
    a, b = direction / np.linalg.norm(direction), target / np.linalg.norm(target)
    axis, cosine = np.cross(a, b), a @ b
    sine = np.linalg.norm(axis)
    if sine < 1e-9:
        # The two are opposite: half a turn about any axis at right angles to them.
        across = np.cross(a, np.eye(3)[np.argmin(np.abs(a))])
        return np.eye(3) if cosine > 0 else matrices(np.pi * across / np.linalg.norm(across))
    return matrices(axis / sine * np.arctan2(sine, cosine))


def nearest_rotation(matrix: np.ndarray) -> np.ndarray:
    """The nearest rotation ``(3, 3)`` to a matrix; that of a sum of rotations is their mean."""
    u, _, v = np.linalg.svd(matrix)
    return u @ np.diag([1, 1, np.linalg.det(u @ v)]) @ v


def _logarithm(quaternion: np.ndarray) -> np.ndarray:
    quaternion = np.where(quaternion[..., :1] < 0, -quaternion, quaternion)
    sine = np.linalg.norm(quaternion[..., 1:], axis=-1, keepdims=True)
    angle = 2 * np.arctan2(sine, quaternion[..., :1])
    return quaternion[..., 1:] * np.where(sine > 1e-12, angle / np.maximum(sine, 1e-12), 2.0)
