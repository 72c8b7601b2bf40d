"""Cameras put points where the conventions say."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from isa_engine.geometry.camera import FAR, NEAR, modelview_projection, projection
from tests.geometry.scenes import lenses, numbers, rigid


@given(lenses(), numbers(-5, 5), numbers(-5, 5), numbers(0.1, 500))
def test_a_point_of_view_space_lands_where_the_lens_says(lens, x, y, depth):
    fx, fy, cx, cy = lens
    clip = projection(lens) @ [x, y, -depth, 1]
    assert np.isclose(clip[3], depth)
    assert np.allclose(clip[:2] / clip[3], [fx * x / depth + cx, fy * y / depth + cy], atol=1e-9)


@given(lenses(), numbers(-5, 5), numbers(-5, 5))
def test_our_own_clip_planes_are_the_ends_of_z(lens, x, y):
    near, far = (projection(lens) @ [x, y, -depth, 1] for depth in (NEAR, FAR))
    assert np.isclose(near[2] / near[3], -1)
    assert np.isclose(far[2] / far[3], 1)


@given(lenses(), st.lists(numbers(NEAR, FAR), min_size=2, max_size=2, unique=True).map(sorted))
def test_what_is_farther_has_the_larger_z(lens, depths):
    z = [(clip := projection(lens) @ [0, 0, -depth, 1])[2] / clip[3] for depth in depths]
    assert z[0] <= z[1]


@given(lenses(), rigid(), rigid(), st.tuples(*[numbers(-10, 10)] * 3))
def test_moving_camera_and_point_together_changes_nothing(lens, camera, move, point):
    here = modelview_projection(lens, camera) @ [*point, 1]
    there = modelview_projection(lens, move @ camera) @ (move @ [*point, 1])
    assert np.allclose(here, there, atol=1e-6)


@given(st.lists(st.tuples(lenses(), rigid()), min_size=1, max_size=4))
def test_a_batch_is_each_camera_on_its_own(cameras):
    lens, pose = (np.array(part) for part in zip(*cameras, strict=True))
    batch = modelview_projection(lens, pose)
    assert batch.shape == (len(cameras), 4, 4)
    for one, single in zip(batch, map(modelview_projection, lens, pose), strict=True):
        assert np.allclose(one, single, atol=1e-9)
        assert one.dtype == np.float64


def test_blenders_default_axes():
    # A camera at the origin without rotation looks down −Z with +Y up.
    x, y, _, w = modelview_projection([1, 1, 0, 0], np.eye(4)) @ [1, 2, -10, 1]
    assert (x / w, y / w) == (0.1, 0.2)


@given(lenses(), rigid())
def test_torch_gets_the_same_matrices_on_its_own_side(lens, camera):
    lenses, cameras = np.float32([lens, lens]), np.float32([camera, camera])
    found = modelview_projection(torch.from_numpy(lenses), torch.from_numpy(cameras))
    assert found.dtype == torch.float64
    assert np.allclose(found.numpy(), modelview_projection(lenses, cameras), atol=1e-12)
