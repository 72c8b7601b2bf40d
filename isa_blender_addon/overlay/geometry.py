"""Which points the picture shows, and where its canvas is in space; needs no Blender."""

from dataclasses import dataclass

import numpy as np

from isa_engine.geometry.camera import modelview_projection
from isa_engine.geometry.ndc import project

# A hidden point stays readable as a place, and no more.
SHOWN_ALPHA, HIDDEN_ALPHA = 1.0, 0.22
# Metres before the camera, where the canvas is drawn.
CANVAS_DISTANCE = 1.0
# Cells of the depth map, up and across, at most: finer ones are not worth the artist's time.
_CELLS = 160
# Cells are so wide that the points of a body leave no hole between them, and what lies behind another surface
# by less than so much of the points' spacing is taken to be that surface.
_CELL, _TOLERANCE = 1.25, 2.5


@dataclass(frozen=True)
class View:
    """A camera: ``intrinsics (4,)`` and ``camera_to_world (4, 4)``, ``isa_engine.geometry.camera``."""

    intrinsics: tuple[float, float, float, float]
    camera_to_world: np.ndarray

    @property
    def mvp(self) -> np.ndarray:
        return modelview_projection(self.intrinsics, self.camera_to_world)


@dataclass(frozen=True)
class Body:
    """A character's skin.

    Attributes:
        points: ``(N, 3)`` world coordinates.
        triangles: ``(M, 3)`` between them, counter-clockwise from outside.
        colour: RGB.
    """

    points: np.ndarray
    triangles: np.ndarray
    colour: tuple[float, float, float]


@dataclass(frozen=True)
class Drawing:
    """What is drawn, in world coordinates.

    Attributes:
        points: ``(P, 3)`` float32, hidden ones first, so that shown ones are drawn over them.
        colours: ``(P, 4)`` float32.
        canvas: ``(2L, 3)`` float32, ends of lines.
    """

    points: np.ndarray
    colours: np.ndarray
    canvas: np.ndarray


def drawing(bodies: list[Body], view: View, count: int) -> Drawing:
    """The first ``count`` points of each character in its colour, and the canvas."""
    shown = [mask[:count] for mask in visible(bodies, view.mvp)]
    shown = np.concatenate(shown) if shown else np.zeros(0, bool)
    points = [body.points[:count] for body in bodies]
    colours = [np.tile([*body.colour, SHOWN_ALPHA], (len(body.points[:count]), 1)) for body in bodies]
    points = np.concatenate([np.zeros((0, 3)), *points]).astype(np.float32)
    colours = np.concatenate([np.zeros((0, 4)), *colours]).astype(np.float32)
    colours[~shown, 3] = HIDDEN_ALPHA
    order = np.argsort(shown, kind="stable")
    return Drawing(points[order], colours[order], canvas_lines(view))


def visible(bodies: list[Body], mvp: np.ndarray) -> list[np.ndarray]:
    """Which points the picture shows: ``(N,)`` bool of each body.

    A point is hidden off the frame, behind the camera, on a side that faces away, and behind a nearer part of
    the cast. What else stands in the scene hides nothing: the model does not know it.
    """
    if not bodies:
        return []
    flat = [_project(body.points, mvp) for body in bodies]
    facing = [_facing(ndc, body.triangles) for (ndc, _, _), body in zip(flat, bodies, strict=True)]
    depth = _DepthMap(bodies, flat)
    return [
        inside & front & depth.reaches(ndc, w) for (ndc, w, inside), front in zip(flat, facing, strict=True)
    ]


def canvas_lines(view: View, distance: float = CANVAS_DISTANCE) -> np.ndarray:
    """The frame's edges at a distance from the camera, and short lines at its centre: ``(12, 3)`` float32."""
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    edges = np.stack([corners, np.roll(corners, -1, 0)], 1).reshape(-1, 2)
    cross = 0.03 * np.array([(-1, 0), (1, 0), (0, -1), (0, 1)])
    return unproject(np.concatenate([edges, cross]), view, distance).astype(np.float32)


def unproject(ndc: np.ndarray, view: View, distance: float) -> np.ndarray:
    """World coordinates ``(N, 3)`` of places ``(N, 2)`` in NDC at a distance along the camera's axis."""
    fx, fy, cx, cy = view.intrinsics
    x, y = (ndc[:, 0] - cx) / fx, (ndc[:, 1] - cy) / fy
    inside = distance * np.stack([x, y, np.full(len(ndc), -1.0), np.full(len(ndc), 1 / distance)], -1)
    return (inside @ view.camera_to_world.T)[:, :3]


def _project(points: np.ndarray, mvp: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """NDC ``(N, 2)``, distance along the axis ``(N,)``, and which are in the frame ``(N,)``."""
    ndc, in_front = project(points.astype(np.float64), mvp)
    w = points @ mvp[3, :3] + mvp[3, 3]
    return ndc[:, :2], w, in_front & (np.abs(ndc[:, :2]) <= 1).all(1)


def _facing(ndc: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Which points have a triangle that faces the camera, or none at all: ``(N,)`` bool."""
    a, b, c = (ndc[triangles[:, k]] for k in range(3))
    ab, ac = b - a, c - a
    facing = np.ones(len(ndc), bool)
    facing[triangles] = False
    facing[triangles[ab[:, 0] * ac[:, 1] > ab[:, 1] * ac[:, 0]]] = True
    return facing


class _DepthMap:
    """The nearest surface of the cast in each cell of the picture.

    Triangles are not filled: points and their triangles' centres are dense enough for cells of their spacing.
    """

    def __init__(self, bodies: list[Body], flat: list[tuple]):
        samples, depths, spacing, width = [], [], 0.0, 0.0
        for body, (ndc, w, inside) in zip(bodies, flat, strict=True):
            a, b, c = body.triangles.T
            near = (inside[a] | inside[b] | inside[c]) & (np.minimum(np.minimum(w[a], w[b]), w[c]) > 0)
            a, b, c = a[near], b[near], c[near]
            samples += [ndc[inside], (ndc[a] + ndc[b] + ndc[c]) / 3]
            depths += [w[inside], (w[a] + w[b] + w[c]) / 3]
            # An edge in sixteen tells how far apart they are.
            a, b = a[::16], b[::16]
            if len(a):
                spacing = max(spacing, np.median(np.linalg.norm(body.points[a] - body.points[b], axis=1)))
                width = max(width, np.quantile(np.linalg.norm(ndc[a] - ndc[b], axis=1), 0.8))
        self.tolerance = _TOLERANCE * spacing
        self.cells = int(np.clip(2 / max(_CELL * width, 1e-9), 1, _CELLS))
        cell, depth = self._cell(np.concatenate(samples)), np.concatenate(depths)
        self.nearest = np.full(self.cells**2, np.inf)
        farthest_first = np.argsort(-depth)
        # The last of several assignments to a cell stays.
        self.nearest[cell[farthest_first]] = depth[farthest_first]

    def reaches(self, ndc: np.ndarray, w: np.ndarray) -> np.ndarray:
        """Whether nothing of the cast is clearly nearer: ``(N,)`` bool."""
        return w <= self.nearest[self._cell(ndc)] + self.tolerance

    def _cell(self, ndc: np.ndarray) -> np.ndarray:
        place = np.clip((ndc + 1) / 2 * self.cells, 0, self.cells - 1).astype(np.int64)
        return place[:, 1] * self.cells + place[:, 0]
