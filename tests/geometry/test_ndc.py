"""A point and the latent pixel that shows it meet at equal x and y."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from isa_engine.geometry.camera import FAR, NEAR, modelview_projection
from isa_engine.geometry.ndc import (
    from_pixels,
    latent_pixels,
    picture_coordinates,
    project,
    to_pixels,
    view_depth,
)
from tests.geometry.scenes import clouds, lenses, numbers, rigid

sizes = st.integers(1, 40)


@given(lenses(), rigid(), clouds(20))
def test_projecting_is_the_matrix_product_and_the_divide(lens, camera, points):
    mvp = modelview_projection(lens, camera)
    ndc, in_front = project(points.astype(np.float64), mvp)
    for point, found, front in zip(points, ndc, in_front, strict=True):
        x, y, z, w = mvp @ [*point, 1]
        assert front == (w > NEAR)
        if front:
            assert np.allclose(found, [x / w, y / w, z / w], atol=1e-9)


@given(lenses(), rigid(), clouds(2, 5))
def test_numpy_and_torch_agree(lens, camera, points):
    mvp = modelview_projection(np.stack([lens, lens]), np.stack([camera, camera]))
    points = points.astype(np.float64)
    ndc, in_front = project(points, mvp)
    torch_ndc, torch_front = project(torch.from_numpy(points), torch.from_numpy(mvp))
    assert np.allclose(torch_ndc.numpy(), ndc, rtol=1e-9, atol=1e-9)
    assert np.array_equal(torch_front.numpy(), in_front)
    uv = picture_coordinates(ndc)
    assert np.array_equal(picture_coordinates(torch.from_numpy(ndc)).numpy(), uv)


@given(lenses(), clouds(50))
def test_behind_the_camera_is_masked_and_finite(lens, points):
    points[0] = 0
    ndc, in_front = project(points, modelview_projection(lens, np.eye(4)).astype(np.float32))
    assert np.isfinite(ndc).all()
    assert np.array_equal(in_front, -points[:, 2] > NEAR)
    assert not in_front[0]


def test_no_gradient_is_lost_behind_the_camera():
    points = torch.tensor([[0.0, 0, 0], [0.3, 0.2, -2]], requires_grad=True)
    ndc, in_front = project(points, torch.from_numpy(modelview_projection([1, 1, 0, 0], np.eye(4))).float())
    ndc[in_front].sum().backward()
    assert torch.isfinite(points.grad).all()
    assert points.grad[1].abs().sum() > 0


@given(sizes, sizes, st.data())
def test_a_point_seen_at_a_latent_pixels_centre_has_its_x_and_y(height, width, data):
    row, column = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    fx, fy, cx, cy = data.draw(lenses())
    camera, depth = data.draw(rigid()), data.draw(numbers(NEAR * 1.01, FAR))
    # The picture's edge to the pixel's centre, from the left and from the top, in pictures.
    across, down = (column + 0.5) / width, (row + 0.5) / height
    view = [(2 * across - 1 - cx) * depth / fx, (1 - 2 * down - cy) * depth / fy, -depth, 1]
    ndc, in_front = project((camera @ view)[None, :3], modelview_projection([fx, fy, cx, cy], camera))
    assert in_front.all()
    pixel = latent_pixels(height, width)[row, column]
    assert np.allclose(ndc[0, :2], pixel[:2], atol=1e-5)
    assert pixel[2] == 0


def test_the_first_row_is_the_top():
    grid = latent_pixels(2, 4)
    assert grid.shape == (2, 4, 3)
    assert grid.dtype == np.float32
    assert grid[0, 0].tolist() == [-0.75, 0.5, 0]
    assert grid[1, 3].tolist() == [0.75, -0.5, 0]


@given(sizes, sizes, st.data())
def test_grid_sample_reads_the_pixel_that_shows_the_point(height, width, data):
    row, column = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    picture = torch.arange(height * width, dtype=torch.float32).reshape(1, 1, height, width)
    ndc = latent_pixels(height, width)[row, column]
    grid = torch.from_numpy(picture_coordinates(ndc)).reshape(1, 1, 1, 2)
    read = torch.nn.functional.grid_sample(picture, grid, mode="nearest", align_corners=False)
    assert read.item() == picture[0, 0, row, column]


def test_turning_v_down_leaves_the_points_alone():
    for ndc in (np.array([[0.5, 0.25, 0.0]]), torch.tensor([[0.5, 0.25, 0.0]])):
        assert picture_coordinates(ndc).tolist() == [[0.5, -0.25]]
        assert ndc.tolist() == [[0.5, 0.25, 0.0]]


@given(lenses(), rigid(), clouds(20))
def test_what_lies_nearer_than_the_near_plane_is_not_in_front(lens, camera, points):
    mvp, points = modelview_projection(lens, camera), points.astype(np.float64)
    depth = -((np.linalg.inv(camera) @ np.c_[points, np.ones(len(points))].T)[2])
    assert np.allclose(view_depth(points, mvp), depth, atol=1e-9)
    clear = abs(depth - NEAR) > 1e-9
    assert ((depth > NEAR) == project(points, mvp)[1])[clear].all()


@given(numbers(-3, 3), numbers(-3, 3), sizes, sizes)
def test_places_in_a_picture_are_counted_from_its_upper_left_corner(x, y, width, height):
    here = np.array([[x, y, 0.5]])
    u, v = to_pixels(here, (width, height))[0]
    assert np.isclose(u, (x + 1) * width / 2, atol=1e-9)
    assert np.isclose(v, (1 - y) * height / 2, atol=1e-9)
    assert (to_pixels(torch.from_numpy(here), (width, height))[0].numpy() == [u, v]).all()
    assert (here == [[x, y, 0.5]]).all()
    assert np.allclose(from_pixels(np.array([u, v]), (width, height)), [x, y], atol=1e-9)


@given(sizes, sizes)
def test_a_latent_pixels_centre_is_half_a_pixel_from_its_corner(width, height):
    places = to_pixels(latent_pixels(height, width).astype(np.float64), (width, height))
    assert np.allclose(places[..., 0], np.arange(width) + 0.5, atol=1e-4)
    assert np.allclose(places[..., 1], np.arange(height)[:, None] + 0.5, atol=1e-4)
