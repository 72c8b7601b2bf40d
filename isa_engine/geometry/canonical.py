"""The canonical frame: where on the set a scene was built must not change the video.

World coordinates enter the point encoding (Eq. 8) and the Plücker cameras (Eq. 22). Both are taken in a
frame whose origin is the cast's centre on the first frame and whose Y axis is the first camera's heading.
"""

import numpy as np


def world_to_canonical(points: np.ndarray, camera_to_world: np.ndarray) -> np.ndarray:
    """The rigid transform from world to canonical coordinates.

    Args:
        points: ``(characters, N, 3)`` surface points of the first frame; no characters are allowed, and then
            the camera's place is the origin.
        camera_to_world: ``(4, 4)`` camera of the first frame.

    Returns:
        ``(4, 4)`` float64: a turn about Z and a translation.
    """
    camera_to_world = np.asarray(camera_to_world, np.float64)
    centre = np.asarray(points, np.float64).mean((0, 1)) if len(points) else camera_to_world[:3, 3]
    forward, up = -camera_to_world[:3, 2], camera_to_world[:3, 1]
    # A camera that looks straight down or up has no heading of its own; the top of its picture has one.
    heading = forward[:2] if np.linalg.norm(forward[:2]) > 1e-3 else -np.sign(forward[2]) * up[:2]
    sine, cosine = heading / np.linalg.norm(heading)
    transform = np.eye(4)
    transform[:2, :2] = [[cosine, -sine], [sine, cosine]]
    transform[:3, 3] = -transform[:3, :3] @ centre
    return transform
