"""What a reference picture says of each point of a character."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from isa_engine.pipeline.isa.references import identity

# A camera that shows x and z of the world as they are.
UPRIGHT = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
NOBODY = np.zeros((0, 3))


class Means:
    """An autoencoder whose latents are the mean colours of windows."""

    def encode(self, video):
        means = torch.nn.functional.avg_pool3d(video, (1, 8, 8))
        return SimpleNamespace(mode=lambda: means)

    def normalise(self, latents):
        return latents


def reading_colours(close_up: int) -> SimpleNamespace:
    config = SimpleNamespace(close_up=close_up, vae=SimpleNamespace(latent_channels=3))
    return SimpleNamespace(vae=Means(), config=config, device="cpu")


def gradient(width: int, height: int) -> Image.Image:
    """Red grows to the right, green upwards."""
    across = np.broadcast_to((np.arange(width) + 0.5) / width, (height, width))
    up = np.broadcast_to(1 - (np.arange(height)[:, None] + 0.5) / height, (height, width))
    colours = np.stack([across, up, np.zeros((height, width))], -1)
    return Image.fromarray((colours * 255).round().astype(np.uint8))


def body(centre: tuple[float, float], size: float) -> np.ndarray:
    """Points all over a square that stands upright before the camera."""
    side = np.linspace(-size, size, 7)
    x, z = np.meshgrid(side, side)
    return np.stack([centre[0] + x, np.zeros_like(x), centre[1] + z], -1).reshape(-1, 3)


@settings(deadline=None, max_examples=30)
@given(
    centre=st.tuples(st.floats(-0.6, 0.6), st.floats(-0.6, 0.6)),
    size=st.floats(0.05, 0.35),
    shape=st.sampled_from([(128, 128), (300, 120), (90, 400)]),
)
def test_identity_is_what_the_picture_shows_where_the_point_stands(centre, size, shape):
    """However small the figure, and however long the picture; but near its edges, where the gradient ends."""
    points = body(centre, size)
    said, known = identity(reading_colours(64), gradient(*shape), points, UPRIGHT, NOBODY)
    assert known.all()
    # A sample mixes the windows whose middles are around it: it sees one and a half of them to each side.
    reach = 1.5 * 1.1 * size * max(shape) / 8
    from_edge = (1 - np.abs(points[:, [0, 2]])) / 2 * shape
    clear = (from_edge > reach).all(1)
    assume(clear.any())
    assert np.abs(said[:, 0].numpy() - points[:, 0])[clear].max() < 0.03
    assert np.abs(said[:, 1].numpy() - points[:, 2])[clear].max() < 0.03


def test_a_small_figure_in_a_large_picture_is_as_well_known_as_a_large_one(model):
    """The same pixels in the corner of a picture four times as large say the same."""
    noise = np.random.default_rng(0).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    alone = Image.fromarray(noise).resize((64, 64), Image.Resampling.BICUBIC)
    among = Image.new("RGB", (256, 256), "white")
    among.paste(alone, (0, 192))
    points = body((0.1, -0.05), 0.6)
    moved = points / 4 + [-0.75, 0, -0.75]
    one, other = (identity(model, *seen, UPRIGHT, NOBODY)[0] for seen in ((alone, points), (among, moved)))
    torch.testing.assert_close(one, other, atol=1e-4, rtol=0)


def test_stripes_are_told_apart_on_a_small_figure_and_blur_on_one_that_fills_the_picture():
    stripes = np.zeros((512, 512, 3), np.uint8)
    stripes[:, np.arange(512) % 8 < 4] = 255
    middles = (np.arange(8) * 8 + 258) / 256 - 1
    light = np.stack([middles, np.zeros(8), np.zeros(8)], -1)
    dark = light + np.array([4 / 256, 0, 0])
    contrasts = []
    for rest in (light, body((0, 0), 1.0)):
        points = np.concatenate([light, dark, rest])
        said = identity(reading_colours(256), Image.fromarray(stripes), points, UPRIGHT, NOBODY)[0][:, 0]
        contrasts.append((said[:8] - said[8:16]).mean().item())
    small, large = contrasts
    assert small > 1.2
    assert large < 0.2


def test_points_outside_the_picture_or_behind_its_camera_have_no_identity(model):
    places = np.array([[0, 0, -1], [1.5, 0, -1], [0, -1.2, -1], [0, 0, 1]], float)
    perspective = np.diag([1.0, 1, 1, 0])
    perspective[3, 2] = -1
    said, known = identity(model, gradient(40, 40), places, perspective, NOBODY)
    assert known.tolist() == [True, False, False, False]
    assert said.isfinite().all()


@pytest.mark.parametrize("place", [(-1.0, -1.0), (1.0, 0.3), (0.0, 0.999)])
def test_a_figure_that_leaves_the_picture_is_known_as_far_as_it_is_shown(place):
    points = body(place, 0.3)
    said, known = identity(reading_colours(64), gradient(100, 100), points, UPRIGHT, NOBODY)
    shown = (np.abs(points[:, [0, 2]]) <= 1).all(1)
    assert known.tolist() == shown.tolist()
    assert np.abs(said[:, 0].numpy() - points[:, 0])[shown].max() < 0.1


def test_beyond_its_edge_a_picture_goes_on_as_it_ends():
    """A figure in a corner of a picture of one colour has that colour all over."""
    orange = Image.new("RGB", (90, 60), (240, 120, 30))
    said, known = identity(reading_colours(64), orange, body((0.9, -0.95), 0.4), UPRIGHT, NOBODY)
    colour = torch.tensor([240, 120, 30]) / 127.5 - 1
    assert known.any()
    torch.testing.assert_close(said[known], colour.expand(int(known.sum()), 3), atol=0.01, rtol=0)


def test_whom_somebody_else_stands_before_is_not_known(model):
    camera = UPRIGHT.copy()
    camera[3] = [0, 1, 0, 0]
    away = np.array([0.0, 1, 0])
    near, far = body((0.3, 0.0), 0.12) + 2 * away, body((0.4, 0.0), 0.5) + 3 * away
    picture = gradient(100, 100)
    _, known = identity(model, picture, far, camera, near)
    assert not known.all()
    assert known.any()
    hidden_from = far[~known.numpy()]
    # The near one stands between x = 0.18 and 0.42 at 2 m: between 0.27 and 0.63 at 3 m.
    assert (np.abs(hidden_from[:, [0, 2]] - [0.45, 0]) < 0.18 + 0.1).all()
    assert identity(model, picture, near, camera, far)[1].all()
    assert identity(model, picture, far, camera, NOBODY)[1].all()
