"""Normals of the cast's skin, in the camera's axes."""

from collections.abc import Iterator

import numpy as np

from isa_engine.controls.surfaces import see, shares_of_corners, surface_of
from isa_engine.geometry.surface import vertex_normals
from isa_engine.shot import Shot


def normal_pictures(shot: Shot, size: tuple[int, int]) -> Iterator[np.ndarray]:
    """Normals of each frame, interpolated between those of the vertices.

    Yields:
        ``(height, width, 3)`` uint8: x to the right in red, y up in green, z towards the camera in
        blue, −1 … 1 as 0 … 255; black where nobody is.
    """
    for frame, mvp in enumerate(shot.mvp):
        surface = surface_of(shot, frame)
        seen = see(surface, mvp, size)
        rows, columns = np.nonzero(seen.triangle >= 0)
        corners = surface.triangles[seen.triangle[rows, columns]]
        shares = shares_of_corners(surface, mvp, corners, rows, columns, size)
        normals = vertex_normals(surface.points, surface.triangles)[corners]
        turned = np.einsum("pk,pkc->pc", shares, normals) @ shot.camera_to_world[frame, :3, :3]
        turned /= np.linalg.norm(turned, axis=-1, keepdims=True).clip(1e-12)
        picture = np.zeros((size[1], size[0], 3), np.uint8)
        picture[rows, columns] = ((turned + 1) * 127.5).round().clip(0, 255)
        yield picture
