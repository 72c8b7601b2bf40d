"""The camera that Blender puts into a new scene, which sees the origin from a distance of eleven metres."""

import numpy as np

_PLACE = (7.359, -6.926, 4.958)
_ROTATION = np.radians((63.6, 0.0, 46.7))  # Euler XYZ.
_LENS, _SENSOR = 50.0, 36.0  # Millimetres.
# Width and height of a new scene's render, pixels.
RENDER = (1920, 1080)


def default_camera(frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Intrinsics ``(F, 4)`` and camera-to-world ``(F, 4, 4)`` (``geometry.camera``)."""
    fx = 2 * _LENS / _SENSOR
    intrinsics = np.array([fx, fx * RENDER[0] / RENDER[1], 0.0, 0.0])
    (sx, sy, sz), (cx, cy, cz) = np.sin(_ROTATION), np.cos(_ROTATION)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    camera = np.eye(4)
    camera[:3, :3], camera[:3, 3] = about_z @ about_y @ about_x, _PLACE
    return np.tile(intrinsics, (frames, 1)), np.tile(camera, (frames, 1, 1))
