"""Rays pass through the camera and through what the pixel shows."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from isa_engine.geometry.camera import modelview_projection
from isa_engine.geometry.canonical import world_to_canonical
from isa_engine.geometry.ndc import latent_pixels, project
from isa_engine.geometry.plucker import pack, plucker_rays
from tests.geometry.scenes import lenses, numbers, rigid, turned_about_z


def rays_of(lens: np.ndarray, camera: np.ndarray, height: int = 3, width: int = 4) -> np.ndarray:
    return plucker_rays(torch.from_numpy(lens), torch.from_numpy(camera), height, width).numpy()


@given(lenses(), rigid(), st.integers(1, 5), st.integers(1, 5))
def test_every_ray_passes_through_the_camera(lens, camera, height, width):
    rays = rays_of(lens, camera, height, width)
    assert rays.shape == (6, height, width)
    moment, direction = np.moveaxis(rays, 0, -1)[..., :3], np.moveaxis(rays, 0, -1)[..., 3:]
    assert np.allclose(np.linalg.norm(direction, axis=-1), 1)
    assert np.allclose(np.cross(camera[:3, 3], direction), moment, atol=1e-9)


@given(lenses(), rigid(), numbers(0.5, 50))
def test_a_point_on_a_ray_is_shown_by_its_pixel(lens, camera, distance):
    direction = np.moveaxis(rays_of(lens, camera), 0, -1)[..., 3:]
    # Along the view axis, so that no wide lens brings the point before the near plane.
    depth = direction @ -camera[:3, 2]
    points = camera[:3, 3] + direction * (distance / depth)[..., None]
    ndc, in_front = project(points.reshape(-1, 3), modelview_projection(lens, camera))
    assert in_front.all()
    assert np.allclose(ndc[:, :2], latent_pixels(3, 4).reshape(-1, 3)[:, :2], atol=1e-6)


@given(lenses(), rigid(), numbers(-3, 3), numbers(-20, 20), numbers(-20, 20), numbers(-20, 20))
def test_where_the_set_was_built_does_not_change_the_packed_rays(lens, camera, angle, x, y, z):
    points = np.random.default_rng(0).normal(size=(1, 30, 3))
    cameras = np.stack([camera] * 5)
    cameras[1:, :3, 3] += np.arange(4)[:, None]
    lenses_ = np.stack([lens] * 5)

    def packed(move: np.ndarray) -> torch.Tensor:
        there = move @ cameras
        cast = points @ move[:3, :3].T + move[:3, 3]
        canonical = world_to_canonical(cast, there[0]) @ there
        return pack(plucker_rays(torch.from_numpy(lenses_), torch.from_numpy(canonical), 3, 4))

    here, elsewhere = packed(np.eye(4)), packed(turned_about_z(angle, (x, y, z)))
    # A camera that looks nearly straight down has hardly a heading; there the turn is ill-conditioned.
    if np.linalg.norm(camera[:2, 2]) > 0.05:
        torch.testing.assert_close(here, elsewhere, atol=1e-6, rtol=0)


def test_a_latent_carries_the_rays_of_the_frames_of_its_window():
    rays = torch.arange(9.0)[:, None, None, None].expand(2, 9, 6, 2, 3)
    packed = pack(rays)
    assert packed.shape == (2, 3, 24, 2, 3)
    frames = packed[0, :, ::6, 0, 0].int().tolist()
    assert frames == [[0, 0, 0, 0], [1, 2, 3, 4], [5, 6, 7, 8]]


def test_the_top_of_the_picture_is_row_zero():
    direction = rays_of(np.array([1.0, 1.0, 0.0, 0.0]), np.eye(4), 2, 2)[3:]
    assert direction[1, 0, 0] > 0 > direction[1, 1, 0]
    assert direction[0, 0, 1] > 0 > direction[0, 0, 0]
    assert (direction[2] < 0).all()
