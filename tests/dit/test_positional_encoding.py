"""ISPE: a point and the pixel that shows it meet."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from isa_engine.dit.positional_encoding import (
    NDC_LIMIT,
    frame_clock,
    ispe,
    latent_clock,
    pixel_encoding,
    sinusoidal,
    world_encoding,
)
from isa_engine.geometry.camera import modelview_projection
from isa_engine.geometry.frames import latent_of_frame
from isa_engine.geometry.ndc import latent_pixels, project

FEATURES = 48
# The encodings of x and y; those of depth come after them.
IN_PICTURE = FEATURES * 2 // 3


def lens(focal: float, size: float) -> float:
    """Focal length in pixels to NDC units."""
    return 2 * focal / size


def in_camera(points: np.ndarray, focal: float, width: float, height: float) -> torch.Tensor:
    mvp = modelview_projection(np.array([lens(focal, width), lens(focal, height), 0, 0]), np.eye(4))
    return torch.from_numpy(project(points, mvp)[0]).float()


@given(st.integers(1, 12), st.integers(1, 12), st.data())
def test_a_point_and_the_pixel_that_shows_it_have_equal_encodings(height, width, data):
    row, column = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    depth = data.draw(st.floats(1, 50))
    focal = data.draw(st.floats(2, 30))
    # Step from the picture's centre to the centre of the pixel, at that depth.
    point = np.array(
        [[(column + 0.5 - width / 2) / focal * depth, (height / 2 - row - 0.5) / focal * depth, -depth]]
    )
    of_point = ispe(in_camera(point, focal, width, height), FEATURES)[0, :IN_PICTURE]
    of_pixel = pixel_encoding(height, width, FEATURES, torch.device("cpu"))[row * width + column, :IN_PICTURE]
    torch.testing.assert_close(of_point, of_pixel, atol=1e-3, rtol=0)


@given(st.floats(2, 30), st.sampled_from([3, 5]))
def test_zooming_the_camera_and_scaling_the_latent_grid_together_changes_nothing(focal, factor):
    points = np.random.default_rng(0).normal(size=(20, 3)) - [0, 0, 6]
    small = ispe(in_camera(points, focal, 8, 6), FEATURES)
    large = ispe(in_camera(points, focal * factor, 8 * factor, 6 * factor), FEATURES)
    torch.testing.assert_close(small, large, atol=1e-5, rtol=0)

    # An odd factor keeps a pixel's centre a pixel's centre.
    scaled = latent_pixels(6 * factor, 8 * factor)[factor // 2 :: factor, factor // 2 :: factor]
    device = torch.device("cpu")
    torch.testing.assert_close(
        pixel_encoding(6, 8, FEATURES, device),
        ispe(torch.from_numpy(scaled), FEATURES).flatten(0, 1),
        atol=1e-5,
        rtol=0,
    )


def test_neighbouring_tokens_of_a_wide_picture_differ():
    encoding = pixel_encoding(1, 64, FEATURES, torch.device("cpu"))
    distance = torch.cdist(encoding, encoding) + 10 * torch.eye(64)
    assert distance.min() > 0.5


def test_a_point_far_outside_the_picture_looks_like_no_place_inside():
    inside = torch.zeros(401, 3)
    inside[:, 0] = torch.linspace(-1, 1, 401)
    outside = torch.zeros(200, 3)
    outside[:, 0] = torch.linspace(NDC_LIMIT, 300, 200)
    assert torch.cdist(ispe(inside, FEATURES), ispe(outside, FEATURES)).min() > 0.5


@pytest.mark.parametrize("width", [6, 7, 32, 128, 1536])
def test_every_width_is_filled_with_finite_features(width):
    encoding = world_encoding(torch.randn(5, 3), width)
    assert encoding.shape == (5, width)
    assert encoding.isfinite().all()


def test_an_encoding_is_the_sines_and_cosines_of_its_periods():
    encoding = sinusoidal(torch.tensor([[0.7]]), 4, longest=8.0, shortest=0.5)
    phases = 2 * torch.pi * 0.7 / torch.tensor([8.0, 0.5])
    torch.testing.assert_close(encoding[0], torch.cat([phases.sin(), phases.cos()]))


def test_a_latent_is_as_late_as_the_last_frame_of_its_window():
    frames, device = 13, torch.device("cpu")
    last = [int(np.flatnonzero(latent_of_frame(frames) == j).max()) for j in range(4)]
    torch.testing.assert_close(latent_clock(4, FEATURES, device), frame_clock(frames, FEATURES, device)[last])
