"""What rays through the pixels of a shot meet: the slow and plain way to know how far away things are."""

import numpy as np

from tests.controls.people import met, rays


def met_by_rays(shot, frame: int, things, size: tuple[int, int]) -> np.ndarray:
    """How far ahead, in the scene's units, mesh objects of quadrangles are met at each pixel's centre:
    ``(height, width)``, infinite where none is."""
    origin, way = rays(shot, frame, size)
    depth = np.full(way.shape[:2], np.inf)
    for thing in things:
        corners = np.array([thing.matrix_world @ vertex.co for vertex in thing.data.vertices])
        for face in thing.data.polygons:
            a, b, c, d = corners[list(face.vertices)]
            for triangle in ((a, b, c), (a, c, d)):
                depth = np.minimum(depth, met(origin, way, np.array(triangle)))
    return depth
