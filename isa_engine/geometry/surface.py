"""Surface points: a fixed, seeded table that turns any pose of a mesh into well-spread points on its skin.

The table is made once from the mesh at rest. Its points come in an order whose every prefix is well spread
(farthest point first), so a model that wants 128 points takes the first 128 of the 2,048 that a shot
carries. The points are joined by triangles along the skin: a coarse body with the same silhouette, which
the matte and the previews are drawn from.
"""

from dataclasses import dataclass

import numpy as np

POINTS = 2048
SEED = 20260

# Farthest-point selection draws from this many times as many area-weighted candidates.
_OVERSAMPLING = 8


@dataclass(frozen=True)
class SurfaceTable:
    """Where the surface points lie on a mesh, by its topology.

    Attributes:
        corners: ``(N, 3)`` int64, the vertices of the face that holds each point.
        barycentric: ``(N, 3)`` float64, rows sum to one.
        triangles: ``(M, 3)`` int32 into the N points.
        vertex_count: vertices of the mesh that the table belongs to.
    """

    corners: np.ndarray
    barycentric: np.ndarray
    triangles: np.ndarray
    vertex_count: int

    def points(self, vertices: np.ndarray) -> np.ndarray:
        """Posed vertices ``(..., V, 3)`` to surface points ``(..., N, 3)`` float32.

        Raises:
            ValueError: the mesh has another number of vertices.
        """
        if vertices.shape[-2] != self.vertex_count:
            raise ValueError(
                f"{vertices.shape[-2]} vertices, but the surface table is for {self.vertex_count}"
            )
        return np.einsum("...nck,nc->...nk", vertices[..., self.corners, :], self.barycentric).astype(
            np.float32
        )


def surface_table(vertices: np.ndarray, faces: np.ndarray, count: int = POINTS) -> SurfaceTable:
    """Make the table from a mesh at rest; equal input gives an equal table on every machine.

    Args:
        vertices: ``(V, 3)`` metres.
        faces: ``(M, 3)`` triangles.
        count: points wanted.

    Raises:
        ValueError: the mesh has no area.
    """
    vertices, faces = np.asarray(vertices, np.float64), np.asarray(faces, np.int64)
    corners, barycentric = random_surface_points(vertices, faces, count * _OVERSAMPLING)
    candidates = np.einsum("nck,nc->nk", vertices[corners], barycentric)
    chosen = _farthest_first(candidates, count)
    triangles = _join(vertices, faces, candidates[chosen], corners[chosen])
    return SurfaceTable(corners[chosen], barycentric[chosen], triangles, len(vertices))


def random_surface_points(
    vertices: np.ndarray, faces: np.ndarray, count: int, seed: int = SEED
) -> tuple[np.ndarray, np.ndarray]:
    """Area-weighted random points: ``corners`` and ``barycentric`` as in ``SurfaceTable``.

    Args:
        vertices: ``(V, 3)`` metres.
        faces: ``(M, 3)`` triangles.
        count: N, how many points.

    Raises:
        ValueError: the mesh has no area.
    """
    area = np.linalg.norm(area_vectors(vertices, faces), axis=1)
    if not area.sum() > 0:
        raise ValueError("the mesh has no area to put points on")
    random = np.random.default_rng(seed)
    face = np.searchsorted(np.cumsum(area) / area.sum(), random.random(count))
    face = np.minimum(face, len(faces) - 1)
    # Uniform in a triangle: fold the unit square along its diagonal.
    uv = random.random((count, 2))
    uv = np.where(uv.sum(1, keepdims=True) > 1, 1 - uv, uv)
    return faces[face], np.concatenate([1 - uv.sum(1, keepdims=True), uv], 1)


def area_vectors(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Outward normals of triangles ``(M, 3)``, each twice as long as its triangle is large."""
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    return np.cross(b - a, c - a)


def neighbours(triangles: np.ndarray) -> np.ndarray:
    """Which points the edges of triangles ``(M, 3)`` join, both ways: ``(2, E)``, in order of the first."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    return np.unique(np.concatenate([edges, edges[:, ::-1]]), axis=0).T


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Outward unit normals ``(V, 3)`` at a mesh's vertices, its triangles weighted by their area; zero where
    no triangle is. Triangles ``(M, 3)`` are wound outwards.

    Blender has no torch, so this stands beside ``normal_maps.point_normals``, which does the same for the
    frames of a take on a model's device.
    """
    areas = area_vectors(vertices, faces)
    normals = np.stack(
        [np.bincount(faces.T.ravel(), np.tile(axis, 3), len(vertices)) for axis in areas.T], -1
    )
    return normals / np.linalg.norm(normals, axis=1, keepdims=True).clip(1e-12)


def _farthest_first(candidates: np.ndarray, count: int) -> np.ndarray:
    """Greedy farthest-point order: each point is the one farthest from all before it, so that every prefix is
    spread about as evenly as that many points can be."""
    axes = np.ascontiguousarray(candidates.T)
    chosen = np.empty(count, np.int64)
    chosen[0] = np.argmax(axes[2])
    distance = np.full(len(candidates), np.inf)
    for n in range(1, count):
        newest = axes[:, chosen[n - 1], None]
        np.minimum(distance, ((axes - newest) ** 2).sum(0), out=distance)
        chosen[n] = np.argmax(distance)
    return chosen


def _join(vertices: np.ndarray, faces: np.ndarray, points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Triangles between points: the dual of the points' cells on the mesh.

    Each vertex belongs to the point nearest along the edges of the mesh (not through the air: the thighs
    must not grow together); a face whose vertices belong to three points joins them.
    """
    cells = _nearest_point(vertices, faces, points, corners)[faces]
    distinct = (cells[:, 0] != cells[:, 1]) & (cells[:, 1] != cells[:, 2]) & (cells[:, 2] != cells[:, 0])
    cells = cells[distinct & (cells >= 0).all(1)]
    # One triangle for each trio, wound as on the mesh: rotate the smallest index to the front.
    first = cells.argmin(1)
    cells = np.take_along_axis(cells, (first[:, None] + np.arange(3)) % 3, 1)
    return np.unique(cells, axis=0).astype(np.int32)


def _nearest_point(
    vertices: np.ndarray, faces: np.ndarray, points: np.ndarray, corners: np.ndarray
) -> np.ndarray:
    """The point that each vertex belongs to, −1 where none can be reached along the edges."""
    # Every edge in both directions, sorted by target.
    ends = np.concatenate([faces[:, [a, b]] for a in range(3) for b in range(3) if a != b])
    target, source = np.divmod(np.unique(ends @ [len(vertices), 1]), len(vertices))
    length = np.linalg.norm(vertices[source] - vertices[target], axis=1)
    reached, start = np.unique(target, return_index=True)

    owner = np.full(len(vertices), -1, np.int64)
    distance = np.full(len(vertices), np.inf)
    seeds = corners.ravel()
    to_seed = np.linalg.norm(vertices[corners] - points[:, None], axis=2).ravel()
    nearest_last = np.argsort(-to_seed, kind="stable")
    owner[seeds[nearest_last]] = nearest_last // 3
    distance[seeds[nearest_last]] = to_seed[nearest_last]

    # Bellman-Ford from all points at once. A point's cell is a few edges wide, so a few rounds are enough.
    while True:
        offer = distance[source] + length
        best = np.full(len(vertices), np.inf)
        best[reached] = np.minimum.reduceat(offer, start)
        taken = (offer == best[target]) & (offer < distance[target])
        if not taken.any():
            return owner
        owner[target[taken]] = owner[source[taken]]
        distance[target[taken]] = offer[taken]


def along_skin(points: np.ndarray, triangles: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Metres along the triangles' edges from each of S points to all, ``(N, S)``; infinite where none.

    Args:
        points: ``(N, 3)``.
        triangles: ``(M, 3)``.
        starts: ``(S,)`` numbers of points.
    """
    here, there = neighbours(triangles)
    length = np.linalg.norm(points[here] - points[there], axis=1)[:, None]
    firsts = np.flatnonzero(np.diff(here, prepend=-1))
    away = np.full((len(points), len(starts)), np.inf)
    away[starts, np.arange(len(starts))] = 0
    while True:
        through = np.minimum.reduceat(away[there] + length, firsts)
        nearer = np.minimum(away[here[firsts]], through)
        if (nearer == away[here[firsts]]).all():
            return away
        away[here[firsts]] = nearer
