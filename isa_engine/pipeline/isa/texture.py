"""What a reference picture shows of somebody's skin, place by place, to be painted wherever it is then.

What the reference does not show, since it is turned away, behind something, beside a hand that lies on it or
at the very edge, is coloured like its twin on the body's other side, or else like the nearest place along the
skin that it does show.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isa_engine.controls.surfaces import Body, Seen, joined, see
from isa_engine.geometry.ndc import project, to_pixels, view_depth
from isa_engine.geometry.surface import along_skin, neighbours, vertex_normals

# Samples along each side of a pixel of a reference.
_FINER = 2
# Cosines between a surface and the way to the camera: below the first a reference shows too little of it to
# be of use, from the second on all.
_GRAZING, _FACING = 0.15, 0.35
# Metres by which something must be nearer to hide a place, beside what pixels' own width on a slanted surface
# is worth, and pixels from a place to the far edge of those between which it lies.
_NEARER, _FARTHEST = 0.02, 1.5
# Metres along the skin from which on two places of it show each other nothing: a hand that lies on a hip is
# within ``_NEARER`` of it. Ways to so many points tell how far apart any two are at least.
_APART, _LANDMARKS = 0.15, 12
# Metres by which somebody in a picture may be wider than the points that tell of the body are: fingers are.
_OUTLINE = 0.03
# Metres of what no way leads to.
_FAR = 1e3
# Of 255, of whom nothing is told.
_GREY = 100.0
# Steps along the skin's triangles in which colours are smoothed where no picture shows them.
_SMOOTHED = 20


@dataclass(frozen=True)
class _Pictured:
    """A picture of a character of N points, H × W pixels.

    Attributes:
        picture: ``(H, W, 3)`` float32, 0 to 255.
        mvp: ``(4, 4)`` float64.
        depth: ``(H, W)`` metres along the camera's axis to whoever is nearest in any part of a pixel; zero
            where in some part nobody is, for there it shows what is behind.
        nearest: ``(H, W)`` the triangle that is nearest in any part of a pixel or within ``_OUTLINE`` of it;
            −1 of others', or where there is none.
        ways: ``(N, L)`` metres along the skin to some points from each.
        triangles: ``(M, 3)``.
    """

    picture: np.ndarray
    mvp: np.ndarray
    depth: np.ndarray
    nearest: np.ndarray
    ways: np.ndarray
    triangles: np.ndarray

    def fetched(
        self, places: np.ndarray, facing: np.ndarray, ways: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """What it shows at places of the surface, ``(P, 3)``, and how far that is to be trusted, ``(P,)``
        from 0 to 1: not at all where the place is outside, behind something, or seen edge-on.

        Args:
            places: ``(P, 3)``, as posed there.
            facing: ``(P,)`` cosines.
            ways: ``(P, L)`` of the places.
        """
        height, width = self.depth.shape
        ndc, in_front = project(places, self.mvp)
        inside = in_front & (np.abs(ndc[:, :2]) < 1).all(-1)
        at = to_pixels(np.where(inside[:, None], ndc[:, :2], 0.0), (width, height))
        away = view_depth(places, self.mvp)
        slope = np.sqrt(1 - np.square(facing).clip(0, 1)) / facing.clip(_GRAZING)
        limit = away - _NEARER - _FARTHEST * away / _zoom(self.mvp, (width, height)) * slope
        # Bilinear, of those of the four pixels about a place that show nothing else.
        place = (at - 0.5).clip(0, (width - 1, height - 1))
        first = np.floor(place).astype(np.int64)
        (left, top), (right, bottom) = first.T, np.minimum(first + 1, (width - 1, height - 1)).T
        x, y = (place - first).astype(np.float32).T
        colours, shown = np.zeros((len(places), 3), np.float32), np.zeros(len(places), np.float32)
        for row, column, share in (
            (top, left, (1 - x) * (1 - y)),
            (top, right, x * (1 - y)),
            (bottom, left, (1 - x) * y),
            (bottom, right, x * y),
        ):
            seen = inside & (self.depth[row, column] >= limit) & (self.nearest[row, column] >= 0)
            seen[seen] = self._are_near(ways[seen], self.nearest[row[seen], column[seen]])
            share = share * seen
            colours += share[:, None] * self.picture[row, column]
            shown += share
        trust = ((facing - _GRAZING) / (_FACING - _GRAZING)).clip(0, 1) * shown
        return colours / np.maximum(shown, 1e-6)[:, None], trust

    def _are_near(self, ways: np.ndarray, triangles: np.ndarray) -> np.ndarray:
        """Whether places are near a triangle each, along the skin, ``(P,)``."""
        first, *others = (self.ways[self.triangles[triangles, corner]] for corner in range(3))
        # Ways to a third point differ by no more than the way between two.
        apart = np.abs(ways - first).max(1, initial=0)
        size = np.max([np.abs(other - first).max(1, initial=0) for other in others], 0)
        return apart < _APART + size


@dataclass(frozen=True)
class Texture:
    """What a reference picture shows of a character of N points.

    Attributes:
        pictured: the picture; None where it shows nothing.
        points: ``(N, 3)`` float64, the character as it stands there.
        facing: ``(N,)`` cosines between its normals and the ways to the camera.
        spread: ``(N, 3)`` its points' colours, those that are not shown from the nearest that are.
    """

    pictured: _Pictured | None
    points: np.ndarray
    facing: np.ndarray
    spread: np.ndarray

    def colours(self, corners: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """Colours of P places on the surface, ``(P, 3)``.

        Args:
            corners: ``(P, 3)`` the points about each.
            shares: ``(P, 3)`` how much each of these counts; sums are 1.
        """

        def between(values: np.ndarray) -> np.ndarray:
            return np.einsum("pk,pkc->pc", shares, values[corners])

        spread = between(self.spread)
        if self.pictured is None:
            return spread
        facing = (shares * self.facing[corners]).sum(1)
        shown, trust = self.pictured.fetched(between(self.points), facing, between(self.pictured.ways))
        return spread + trust[:, None] * (shown - spread)


def texture_of(
    picture: np.ndarray,
    points: np.ndarray,
    triangles: np.ndarray,
    mvp: np.ndarray,
    others: Sequence[Body] = (),
    twins: np.ndarray | None = None,
) -> Texture:
    """A character's; ``untold`` where the picture shows nothing of it, or is of a camera that is nowhere.

    Args:
        picture: ``(H, W, 3)`` from 0 to 255.
        points: ``(N, 3)`` as posed there.
        triangles: ``(M, 3)`` which join them.
        mvp: ``(4, 4)``.
        others: all others whom the picture shows.
        twins: ``(N,)`` the point on the body's other side (``body.twin_points``), if that is known.
    """
    if not len(triangles) or np.linalg.matrix_rank(mvp[[0, 1, 3], :3]) < 3:
        return untold(len(points))
    picture, points = np.asarray(picture, np.float32), np.asarray(points, np.float64)
    triangles, size = np.asarray(triangles, np.int64), (picture.shape[1], picture.shape[0])
    finer, bodies = (_FINER * size[0], _FINER * size[1]), [(points, triangles), *others]
    surface = joined(bodies, range(len(bodies)))
    depth, nearest = _nearest(see(surface, mvp, finer))
    nearest = _grown(nearest, depth, _OUTLINE * _zoom(mvp, size))
    pictured = _Pictured(picture, mvp, depth, nearest, _ways(points, triangles), triangles)
    facing = _facing(points, triangles, mvp)
    colours, trust = pictured.fetched(points, facing, pictured.ways)
    known = trust > 0.5
    if not known.any():
        return untold(len(points))
    if twins is not None:
        # People are dressed alike on both sides.
        beyond = ~known & known[twins]
        colours[beyond] = colours[twins[beyond]]
        known |= beyond
    return Texture(pictured, points, facing, _spread(colours, known, points, triangles))


def untold(count: int) -> Texture:
    """Of a character of so many points of whom no picture shows anything: grey all over, as a lay figure.

    Were nobody reprojected there, the gate would lead back to the set, which would be seen through somebody.
    """
    return Texture(None, np.zeros((count, 3)), np.zeros(count), np.full((count, 3), _GREY, np.float32))


def _zoom(mvp: np.ndarray, size: tuple[int, int]) -> float:
    """Pixels a metre, one metre ahead of the camera, along the axis that has fewer."""
    return float((np.linalg.norm(mvp[:2, :3], axis=1) / 2 * size).min())


def _facing(points: np.ndarray, triangles: np.ndarray, mvp: np.ndarray) -> np.ndarray:
    """Cosines between the normals of points ``(N, 3)`` and the ways from them to the camera, ``(N,)``."""
    # Where x, y and w of clip space are all zero is the camera.
    eye = -np.linalg.solve(mvp[[0, 1, 3], :3], mvp[[0, 1, 3], 3])
    way = eye - points
    way /= np.linalg.norm(way, axis=1, keepdims=True).clip(1e-12)
    return (vertex_normals(points, triangles) * way).sum(1)


def _nearest(seen: Seen) -> tuple[np.ndarray, np.ndarray]:
    """``_Pictured.depth`` and ``nearest`` of what is seen in a picture ``_FINER`` times as fine, of which
    the character is the first."""
    height, width = seen.depth.shape
    cells = height // _FINER, _FINER, width // _FINER, _FINER
    depth = np.where(np.isfinite(seen.depth), seen.depth, 0.0)
    parts = np.moveaxis(depth.reshape(cells), 1, 2).reshape(*cells[::2], -1)
    own = np.where(seen.owner == 0, seen.triangle, -1)
    triangles = np.moveaxis(own.reshape(cells), 1, 2).reshape(parts.shape)
    nearest = np.take_along_axis(triangles, parts.argmin(-1)[..., None], -1)[..., 0]
    return parts.min(-1), nearest


def _grown(nearest: np.ndarray, depth: np.ndarray, reach: float) -> np.ndarray:
    """What is nearest to the camera in or beside each pixel, as triangles ``(H, W)``.

    Args:
        depth: ``(H, W)`` metres; zero where nobody is.
        reach: pixels one metre ahead of the camera.
    """
    there = depth > 0
    if not there.any():
        return nearest
    depth, steps = np.where(there, depth, np.inf), int(reach / np.median(depth[there]))
    # Rows, then columns: the nearest of a square is that of what is nearest in its rows.
    for axis in (0, 1):
        depths, triangles = (np.moveaxis(each, axis, 0) for each in (depth, nearest))
        depth, nearest = depths.copy(), triangles.copy()
        for step in range(1, min(steps, len(depths) - 1) + 1):
            for source, target in ((slice(step, None), slice(-step)), (slice(-step), slice(step, None))):
                nearer = depths[source] < depth[target]
                depth[target] = np.where(nearer, depths[source], depth[target])
                nearest[target] = np.where(nearer, triangles[source], nearest[target])
        depth, nearest = (np.moveaxis(each, 0, axis) for each in (depth, nearest))
    return nearest


def _ways(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """``_Pictured.ways``. Where no triangles lead there all are as far away."""
    # Points are in an order in which each is the farthest from those before it.
    landmarks = np.unique(triangles)[:_LANDMARKS]
    return np.nan_to_num(along_skin(points, triangles, landmarks), posinf=_FAR)


def _spread(colours: np.ndarray, known: np.ndarray, points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Colours ``(N, 3)`` of all points: of those that are not known from the nearest along the skin that are,
    smoothed among themselves; where no triangles lead there, from the nearest in space."""
    here, there = neighbours(triangles)
    found, filled = np.where(known[:, None], colours, 0.0), known.copy()

    def mean(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The mean colour of each point's neighbours that count, and how many these are."""
        weights = counts[there].astype(float)
        total = np.bincount(here, weights, len(points))[:, None]
        sums = [np.bincount(here, weights * found[there, channel], len(points)) for channel in range(3)]
        return np.stack(sums, -1) / total.clip(1), total[:, 0]

    while True:
        colour, beside = mean(filled)
        reached = ~filled & (beside > 0)
        if not reached.any():
            break
        found[reached] = colour[reached]
        filled |= reached
    smooth = filled & ~known
    for _ in range(_SMOOTHED):
        found[smooth] = mean(filled)[0][smooth]
    shown = np.flatnonzero(filled)
    for point in np.flatnonzero(~filled):
        found[point] = found[shown[np.square(points[shown] - points[point]).sum(1).argmin()]]
    return found.astype(np.float32)
