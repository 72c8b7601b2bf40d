"""Which points the picture shows, and where its canvas is in space; needs no Blender."""

from dataclasses import dataclass, field, replace

import numpy as np

from isa_engine.geometry.camera import modelview_projection
from isa_engine.geometry.ndc import project, to_pixels
from isa_engine.shot.shot import SKELETON

# Opacity of a point that the picture does not show: it is still seen where it is.
SHOWN_ALPHA, HIDDEN_ALPHA = 1.0, 0.22
# Metres before the camera, where the canvas is drawn if the camera shows what is there.
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
        return modelview_projection(np.array(self.intrinsics), self.camera_to_world)


@dataclass(frozen=True)
class Body:
    """A character's skin and joints.

    Attributes:
        points: ``(N, 3)`` world coordinates.
        triangles: ``(M, 3)`` between them, counter-clockwise from outside.
        colour: RGB.
        joints: ``(60, 3)`` as of ``shot.Character.skeleton``; NaN where they are not known.
    """

    points: np.ndarray
    triangles: np.ndarray
    colour: tuple[float, float, float]
    joints: np.ndarray = field(default_factory=lambda: np.full((SKELETON, 3), np.nan, np.float32))


@dataclass(frozen=True)
class Drawing:
    """What is drawn, in world coordinates.

    Attributes:
        points: ``(P, 3)`` float32, hidden ones first, so that shown ones are drawn over them.
        colours: ``(P, 4)`` float32.
        canvas: ``(2L, 3)`` float32, ends of lines; those of the frame's four edges first, the lower left
            corner and the lower right one at the front.
        controls: ``(height, width, 4)`` uint8 to be seen on the canvas (``controls.control_picture``), or
            None.
    """

    points: np.ndarray
    colours: np.ndarray
    canvas: np.ndarray
    controls: np.ndarray | None = None

    def scaled(self, factor: float) -> "Drawing":
        """The same, of a scene whose lengths are all multiplied."""
        points, canvas = ((factor * places).astype(np.float32) for places in (self.points, self.canvas))
        return replace(self, points=points, canvas=canvas)


def drawing(bodies: list[Body], view: View, count: int, distance: float = CANVAS_DISTANCE) -> Drawing:
    """The first ``count`` points of each character in its colour, and the canvas at a distance."""
    masks = [mask[:count] for mask in visible(bodies, view.mvp)]
    shown = np.concatenate([np.zeros(0, bool), *masks])
    bodies_points = [body.points[:count] for body in bodies]
    points = np.concatenate([np.zeros((0, 3)), *bodies_points]).astype(np.float32)
    tiles = [np.tile([*body.colour, SHOWN_ALPHA], (len(body.points[:count]), 1)) for body in bodies]
    colours = np.concatenate([np.zeros((0, 4)), *tiles]).astype(np.float32)
    colours[~shown, 3] = HIDDEN_ALPHA
    order = np.argsort(shown, kind="stable")
    return Drawing(points[order], colours[order], canvas_lines(view, distance))


def visible(bodies: list[Body], mvp: np.ndarray) -> list[np.ndarray]:
    """Which points the picture shows: ``(N,)`` bool of each body.

    A point is hidden off the frame, behind the camera, on a side that faces away, and behind a nearer part of
    the cast. What else stands in the scene hides nothing: the model does not know it.
    """
    sides = [_Side(body, mvp) for body in bodies]
    depth = _DepthMap(sides)
    return [side.inside & side.facing & depth.reaches(side.ndc, side.w) for side in sides]


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


class _Side:
    """What of a body faces the camera.

    Attributes:
        ndc, w: of the points: places ``(N, 2)`` and distances along the camera's axis ``(N,)``.
        inside, facing: ``(N,)`` bool, which points are in the frame, and have a triangle facing the camera.
        corners: ``(3, M)`` of the triangles that face it and reach into the frame.
        edges: ``(E, 2)`` of points, some of their edges.
    """

    def __init__(self, body: Body, mvp: np.ndarray):
        ndc, in_front = project(body.points.astype(np.float64), mvp)
        self.points, self.ndc = body.points, ndc[:, :2]
        self.w = body.points @ mvp[3, :3] + mvp[3, 3]
        self.inside = in_front & (np.abs(self.ndc) <= 1).all(1)
        a, b, c = body.triangles.T
        (ax, ay), (bx, by), (cx, cy) = (self.ndc[k].T for k in (a, b, c))
        towards = (bx - ax) * (cy - ay) > (by - ay) * (cx - ax)
        self.facing = np.ones(len(ndc), bool)
        self.facing[body.triangles] = False
        self.facing[body.triangles[towards]] = True
        near = (self.inside[a] | self.inside[b] | self.inside[c]) & (in_front[a] & in_front[b] & in_front[c])
        self.corners = body.triangles[towards & near].T
        self.edges = body.triangles[near][::16, :2]


class _DepthMap:
    """The nearest surface of the cast in each cell of the picture.

    Triangles are not filled: points and their triangles' centres are dense enough for cells of their spacing.
    """

    def __init__(self, sides: list[_Side]):
        spacing = width = 0.0
        samples, depths = [np.zeros((0, 2))], [np.zeros(0)]
        for side in sides:
            shown, (a, b, c) = side.inside & side.facing, side.corners
            samples += [side.ndc[shown], (side.ndc[a] + side.ndc[b] + side.ndc[c]) / 3]
            depths += [side.w[shown], (side.w[a] + side.w[b] + side.w[c]) / 3]
            if len(side.edges):
                start, end = side.edges.T
                lengths = np.linalg.norm(side.points[start] - side.points[end], axis=1)
                spacing = max(spacing, float(np.median(lengths)))
                lengths = np.linalg.norm(side.ndc[start] - side.ndc[end], axis=1)
                width = max(width, float(np.quantile(lengths, 0.8)))
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
        place = to_pixels(ndc, (self.cells, self.cells)).clip(0, self.cells - 1).astype(np.int64)
        return place[:, 1] * self.cells + place[:, 0]
