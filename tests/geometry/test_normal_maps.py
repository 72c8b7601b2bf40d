"""Pictures of surfaces whose normals are known."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_engine.geometry.normal_maps import normal_maps, point_normals
from isa_engine.geometry.surface import surface_table, vertex_normals
from tests.geometry.meshes import ellipsoid

SIDE = 48
INTRINSICS = torch.tensor([[2.0, 2.0, 0.0, 0.0]], dtype=torch.float64)
# At the origin, looking along world −Z: the camera's axes are the world's.
CAMERA = torch.eye(4, dtype=torch.float64)[None]


def ball(centre: tuple[float, float, float], radius: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Points and normals ``(1, 1, N, 3)`` of a sphere, as a surface table puts them."""
    vertices, faces = ellipsoid()
    normals = torch.as_tensor(surface_table(vertices, faces, 700).points(vertices)).double()
    normals = torch.nn.functional.normalize(normals, dim=-1)
    return (normals * radius + torch.tensor(centre))[None, None], normals[None, None]


@pytest.fixture(scope="module")
def middle():
    return ball((0, 0, -5))


def seen(points, normals, intrinsics=INTRINSICS, camera=CAMERA, side=SIDE):
    return normal_maps(points, normals, intrinsics, camera, side, side)


def expected_of_the_unit_ball(depth: float) -> torch.Tensor:
    """Normals ``(3, SIDE, SIDE)`` where each pixel's ray meets it, by the quadratic formula."""
    axis = (2 * (torch.arange(SIDE) + 0.5) / SIDE - 1) / 2
    y, x = torch.meshgrid(-axis, axis, indexing="ij")
    ray = torch.stack([x, y, -torch.ones_like(x)])
    centre = torch.tensor([0, 0, -depth])[:, None, None]
    a, b, c = (ray**2).sum(0), (ray * centre).sum(0), depth**2 - 1
    root = b**2 - a * c
    hit = (b - root.clamp_min(0).sqrt()) / a
    return torch.where(root > 0, ray * hit - centre, 0.0)


def test_each_pixel_has_the_normal_of_the_surface_that_it_shows(middle):
    found, expected = seen(*middle)[0], expected_of_the_unit_ball(5)
    shown, covered = found.norm(dim=0) > 0, expected.norm(dim=0) > 0
    assert (shown & covered).sum() > 0.95 * (shown | covered).sum()
    # The rim's discs lean outwards.
    inner = (expected[2] > 0.4) & covered
    assert shown[inner].all()
    assert ((found * expected).sum(0)[inner] > 0.95).all()
    torch.testing.assert_close(found[:, shown].norm(dim=0), torch.ones(int(shown.sum())))


def test_the_nearer_surface_hides_the_farther(middle):
    far = ball((0, 0, -9), 3)
    both = torch.cat([far[0], middle[0]], 1), torch.cat([far[1], middle[1]], 1)
    alone, together = seen(*middle), seen(*both)
    shown = alone.norm(dim=1)[0] > 0
    assert torch.equal(together[0][:, shown], alone[0][:, shown])
    assert (together.norm(dim=1) > 0).sum() > shown.sum()


@settings(deadline=None, max_examples=10)
@given(angles=st.tuples(*[st.floats(-3, 3)] * 2), place=st.tuples(*[st.floats(-100, 100)] * 3))
def test_moving_camera_and_surface_together_changes_nothing(middle, angles, place):
    (c, s), (d, e) = ((np.cos(a), np.sin(a)) for a in angles)
    rigid = torch.eye(4, dtype=torch.float64)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, d, -e], [0, e, d]])
    rigid[:3, :3], rigid[:3, 3] = torch.tensor(turn), torch.tensor(place)
    points = middle[0] @ rigid[:3, :3].mT + rigid[:3, 3]
    moved = seen(points, middle[1] @ rigid[:3, :3].mT, camera=rigid @ CAMERA)
    torch.testing.assert_close(moved, seen(*middle), atol=1e-4, rtol=0)


def test_behind_the_camera_and_without_a_normal_nothing_is_drawn(middle):
    points, normals = middle
    assert not seen(*ball((0, 0, 5))).any()
    assert not seen(points, torch.zeros_like(normals)).any()
    assert not seen(points[:, :0], normals[:, :0]).any()


def test_a_surface_that_surrounds_the_camera_shows_no_inside():
    assert not seen(*ball((0, 0, 0), 2)).any()


def test_frames_are_drawn_each_by_itself_however_many(middle, monkeypatch):
    points = torch.cat([middle[0] + torch.tensor([0.3 * k, 0, -k]) for k in range(4)])
    normals = middle[1].expand_as(points)
    cameras = INTRINSICS.expand(4, 4), CAMERA.expand(4, 4, 4)
    whole = seen(points, normals, *cameras)
    monkeypatch.setattr("isa_engine.geometry.normal_maps._AT_ONCE", 1)
    assert torch.equal(whole, seen(points, normals, *cameras))
    assert not torch.equal(whole[0], whole[3])


@pytest.mark.parametrize("depth", [0.5, 2.0, 30.0])
@pytest.mark.parametrize("count", [5, 40])
def test_no_size_on_screen_leaves_holes(depth, count):
    """A wall of points, more and fewer than the pixels."""
    grid = torch.linspace(-depth, depth, count, dtype=torch.float64)
    x, y = torch.meshgrid(grid, grid, indexing="ij")
    wall = torch.stack([x, y, torch.full_like(x, -depth)], -1).view(1, 1, -1, 3)
    wall = wall + torch.rand(wall.shape, generator=torch.Generator().manual_seed(0)) * 0.01 * depth
    facing = torch.tensor([0, 0, 1.0]).expand_as(wall)
    assert (seen(wall, facing)[0, 2] > 0.99).all()


def test_nothing_leaves_the_device_but_one_number(middle, monkeypatch):
    """The meta device refuses to mix with any other."""
    monkeypatch.setattr("isa_engine.geometry.normal_maps._reach", lambda *_: 3)
    points, normals, intrinsics, camera = (x.to("meta") for x in (*middle, INTRINSICS, CAMERA))
    assert normal_maps(points, normals, intrinsics, camera, 8, 6).shape == (1, 3, 8, 6)
    triangles = torch.zeros(4, 3, dtype=torch.int64, device="meta")
    assert point_normals(points[0], triangles).is_meta


def test_normals_from_triangles_point_outwards_and_follow_the_pose():
    vertices, faces = ellipsoid((1, 1, 1))
    triangles = torch.as_tensor(faces)
    moving = torch.as_tensor(np.stack([vertices, vertices * [1, 2, 0.5]]))
    normals = point_normals(moving, triangles)
    gradient = moving / torch.tensor([[1, 1, 1], [1, 4, 0.25]])[:, None]
    expected = torch.nn.functional.normalize(gradient, dim=-1)
    assert ((normals * expected).sum(-1) > 0.98).all()


def test_they_are_those_of_the_same_mesh_in_numpy():
    vertices, faces = ellipsoid((1, 2, 0.5))
    uneven = vertices + np.random.default_rng(0).normal(0, 0.05, vertices.shape)
    on_the_device = point_normals(torch.as_tensor(uneven)[None], torch.as_tensor(faces))[0]
    np.testing.assert_allclose(on_the_device.numpy(), vertex_normals(uneven, faces), atol=1e-12)


def test_a_point_in_no_triangle_takes_its_neighbours_normal_and_without_triangles_there_are_none():
    points = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0.9, 0.1, 0]]])
    triangle = torch.tensor([[0, 1, 2]])
    assert torch.equal(point_normals(points, triangle), torch.tensor([0.0, 0, 1]).expand(1, 4, 3))
    assert not point_normals(points, triangle[:0]).any()
