"""Meshes whose shape is known, and their silhouettes."""

import numpy as np
from PIL import Image, ImageDraw


def ellipsoid(radii=(1.0, 1.0, 1.0), centre=(0.0, 0.0, 0.0), around=48, along=40) -> tuple:
    """A closed mesh wound outwards; its triangles shrink towards the poles."""
    longitude = np.linspace(0, 2 * np.pi, around, endpoint=False)
    latitude = np.linspace(0, np.pi, along + 1)[1:-1]
    ring = np.stack([np.cos(longitude), np.sin(longitude)], 1)
    xy = np.sin(latitude)[:, None, None] * ring
    z = np.broadcast_to(np.cos(latitude)[:, None, None], (along - 1, around, 1))
    vertices = np.concatenate([np.concatenate([xy, z], 2).reshape(-1, 3), [[0, 0, 1], [0, 0, -1]]])
    a = np.arange((along - 1) * around).reshape(along - 1, around)
    b = np.roll(a, -1, axis=1)
    north, south = np.full(around, len(vertices) - 2), np.full(around, len(vertices) - 1)
    quads = [a[:-1], a[1:], b[:-1]], [b[:-1], a[1:], b[1:]]
    caps = [north, a[0], b[0]], [south, b[-1], a[-1]]
    faces = np.concatenate([np.stack(part, -1).reshape(-1, 3) for part in (*quads, *caps)])
    return vertices * radii + centre, faces


def joined(*meshes: tuple) -> tuple:
    """Several meshes as one, still apart."""
    starts = np.cumsum([0] + [len(vertices) for vertices, _ in meshes[:-1]])
    faces = [faces + start for (_, faces), start in zip(meshes, starts, strict=True)]
    return np.concatenate([vertices for vertices, _ in meshes]), np.concatenate(faces)


def normals(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Twice each triangle's area along its normal."""
    a, b, c = np.moveaxis(points[triangles], 1, 0)
    return np.cross(b - a, c - a)


def silhouette(points: np.ndarray, triangles: np.ndarray, axis: int, box: np.ndarray, side=200) -> np.ndarray:
    """The triangles' shadow along an axis: ``(side, side)`` bool; ``box`` is the least and largest corner."""
    plane = [k for k in range(3) if k != axis]
    scale = (side - 1) / (box[1] - box[0]).max()
    corners = ((points - box[0]) * scale)[:, plane][triangles]
    picture = Image.new("1", (side, side))
    draw = ImageDraw.Draw(picture)
    for triangle in corners.reshape(-1, 6).tolist():
        draw.polygon(triangle, fill=1)
    return np.array(picture)
