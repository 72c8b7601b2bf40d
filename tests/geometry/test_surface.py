"""Surface points: on the skin, well spread at every length, and joined as the skin is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isa_engine.geometry.surface import (
    POINTS,
    area_vectors,
    random_surface_points,
    surface_table,
    vertex_normals,
)
from tests.geometry.meshes import ellipsoid, joined, normals, silhouette
from tests.geometry.scenes import rigid

RADII = (0.3, 0.2, 0.9)
BODY = ellipsoid(RADII)
TABLE = surface_table(*BODY, count=512)
REST = TABLE.points(BODY[0])


def covering_radius(points: np.ndarray, of: np.ndarray) -> float:
    """How far the worst place of the cloud ``of`` is from the nearest point."""
    return max(np.sqrt(((points - place) ** 2).sum(1).min()) for place in of)


def on_the_skin(mesh: tuple, count: int, seed: int = 1) -> np.ndarray:
    corners, barycentric = random_surface_points(*mesh, count, seed)
    return np.einsum("nck,nc->nk", mesh[0][corners], barycentric)


def test_equal_meshes_have_equal_tables():
    again = surface_table(*BODY, count=512)
    for name in ("corners", "barycentric", "triangles"):
        assert np.array_equal(getattr(again, name), getattr(TABLE, name))


def test_shapes_are_as_promised():
    table = surface_table(*BODY)
    assert table.corners.shape == table.barycentric.shape == (POINTS, 3)
    assert table.triangles.dtype == np.int32
    assert table.triangles.max() < POINTS
    assert table.points(np.stack([BODY[0]] * 3)).shape == (3, POINTS, 3)
    assert table.points(BODY[0]).dtype == np.float32


def test_each_point_lies_on_a_face():
    faces = {tuple(face) for face in BODY[1].tolist()}
    assert all(tuple(corners) in faces for corners in TABLE.corners.tolist())
    assert (TABLE.barycentric >= 0).all()
    assert np.allclose(TABLE.barycentric.sum(1), 1)


@given(rigid(), st.floats(0.1, 10))
def test_points_go_where_the_mesh_goes(move, scale):
    posed = BODY[0] * scale @ move[:3, :3].T + move[:3, 3]
    assert np.allclose(TABLE.points(posed), REST * scale @ move[:3, :3].T + move[:3, 3], atol=1e-4)


@pytest.mark.parametrize("count", [32, 128, 512])
def test_every_prefix_covers_the_skin_better_than_chance(count):
    skin = on_the_skin(BODY, 2000)
    chance = [covering_radius(on_the_skin(BODY, count, seed), skin) for seed in range(2, 7)]
    assert covering_radius(REST[:count], skin) < 0.75 * min(chance)


def test_no_two_points_crowd():
    distance = np.linalg.norm(REST[:, None] - REST[None], axis=2) + 10 * np.eye(len(REST))
    nearest = distance.min(1)
    assert nearest.min() > 0.4 * nearest.mean()


def test_random_points_are_as_dense_everywhere():
    vertices, faces = ellipsoid()
    z = on_the_skin((vertices, faces), 20000)[:, 2]
    # Archimedes: a sphere has equal skin in slices of equal height.
    share = np.histogram(z, np.linspace(-1, 1, 9))[0] / len(z)
    assert np.abs(share - 1 / 8).max() < 0.01


def test_random_points_favour_no_corner_of_a_face():
    corners = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
    _, barycentric = random_surface_points(corners, np.array([[0, 1, 2]]), 10000)
    assert np.allclose(barycentric.mean(0), 1 / 3, atol=0.01)
    assert np.allclose((barycentric > 0.5).mean(0), 1 / 4, atol=0.02)


def test_points_are_spread_by_area_not_by_vertices():
    # The bands near the poles have as many vertices as the others, and far less skin.
    skin = on_the_skin(BODY, 20000)
    edges = np.quantile(skin[:, 2], np.linspace(0, 1, 9))
    share = np.histogram(REST[:, 2], edges)[0] / len(REST)
    assert np.abs(share - 1 / 8).max() < 0.25 / 8


def edge_uses(triangles: np.ndarray) -> np.ndarray:
    edges = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    return np.unique(edges, axis=0, return_counts=True)[1]


def test_triangles_make_a_closed_shell_wound_outwards():
    assert (edge_uses(TABLE.triangles) == 2).mean() > 0.97
    assert len(np.unique(TABLE.triangles)) > 0.97 * len(REST)
    outward = REST[TABLE.triangles].mean(1) / np.square(RADII)
    assert ((normals(REST, TABLE.triangles) * outward).sum(1) > 0).mean() > 0.99


@pytest.mark.parametrize("axis", range(3))
def test_the_shells_silhouette_is_the_meshs(axis):
    box = np.array([-1.05 * np.array(RADII), 1.05 * np.array(RADII)])
    shell = silhouette(REST, TABLE.triangles, axis, box)
    mesh = silhouette(BODY[0], BODY[1], axis, box)
    assert (shell & mesh).sum() > 0.95 * (shell | mesh).sum()


def test_parts_that_only_touch_through_the_air_stay_apart():
    # Two thighs, a millimetre apart.
    left, right = (ellipsoid((0.1, 0.1, 0.4), (side * 0.1005, 0, 0)) for side in (-1, 1))
    mesh = joined(left, right)
    table = surface_table(*mesh, count=256)
    of_left = table.corners[:, 0] < len(left[0])
    assert 0.4 < of_left.mean() < 0.6
    assert (of_left[table.triangles].all(1) | ~of_left[table.triangles].any(1)).all()


def test_a_mesh_of_another_topology_is_refused():
    with pytest.raises(ValueError, match=f"10 vertices.*{len(BODY[0])}"):
        TABLE.points(BODY[0][:10])


def test_a_mesh_without_area_is_refused():
    with pytest.raises(ValueError, match="no area"):
        surface_table(np.zeros((3, 3)), np.array([[0, 1, 2]]))


def test_normals_of_a_closed_mesh_point_outwards_and_those_of_no_triangle_nowhere():
    vertices, faces = ellipsoid((1, 1, 1))
    found = vertex_normals(np.concatenate([vertices, [[5.0, 5, 5]]]), faces)
    assert ((found[:-1] * vertices).sum(1) > 0.98).all()
    assert (found[-1] == 0).all()


def test_a_triangle_counts_by_its_area():
    vertices = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 3]])
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    assert (area_vectors(vertices, faces) == [[0, 0, 1], [3, 0, 0]]).all()
    assert np.allclose(vertex_normals(vertices, faces)[0], np.array([3, 0, 1]) / 10**0.5)
