"""The canonical frame: where on the set a scene was built must not change the video.

World coordinates enter the point encoding (Eq. 8) and the Plücker cameras (Eq. 22). Both are taken in a
frame whose origin is the cast's centre on the first frame and whose Y axis is the first camera's heading.
"""

import numpy as np


def world_to_canonical(
    points: np.ndarray, camera_to_world: np.ndarray, characters: np.ndarray | None = None
) -> np.ndarray:
    """The rigid transform from world to canonical coordinates.

    Args:
        points: ``(..., K, N, 3)`` surface points of the first frame; K may be 0, and then the camera's place
            is the origin.
        camera_to_world: ``(..., 4, 4)`` camera of the first frame.
        characters: ``(...)`` int, how many of the K characters count, beginning with the first; None: all.
            The others fill up a batch of different casts.

    Returns:
        ``(..., 4, 4)`` float64: a turn about Z and a translation.
    """
    camera_to_world = np.asarray(camera_to_world, np.float64)
    points = np.asarray(points, np.float64)
    cast, count = points.shape[-3:-1]
    characters = np.full(camera_to_world.shape[:-2], cast) if characters is None else np.asarray(characters)
    there = np.arange(cast) < characters[..., None]
    sums = (points.sum(-2) * there[..., None]).sum(-2)
    centre = sums / np.maximum(characters * count, 1)[..., None]
    centre = np.where(characters[..., None] > 0, centre, camera_to_world[..., :3, 3])
    forward, up = -camera_to_world[..., :3, 2], camera_to_world[..., :3, 1]
    # A camera that looks straight down or up has no heading; that of its picture's upper edge is taken.
    level = np.linalg.norm(forward[..., :2], axis=-1, keepdims=True) > 1e-3
    heading = np.where(level, forward[..., :2], -np.sign(forward[..., 2:]) * up[..., :2])
    sine, cosine = np.moveaxis(heading / np.linalg.norm(heading, axis=-1, keepdims=True), -1, 0)
    transform = np.zeros(camera_to_world.shape)
    transform[..., 0, 0], transform[..., 0, 1] = cosine, -sine
    transform[..., 1, 0], transform[..., 1, 1] = sine, cosine
    transform[..., 2, 2] = transform[..., 3, 3] = 1
    transform[..., :3, 3] = -(transform[..., :3, :3] @ centre[..., None])[..., 0]
    return transform
