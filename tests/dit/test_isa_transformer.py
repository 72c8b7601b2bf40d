"""The symmetric interspatial transformer against its equations."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from isa_engine.dit.isa_transformer import ISATransformer
from isa_engine.dit.point_windows import from_windows, to_windows
from isa_engine.dit.positional_encoding import ispe, pixel_encoding
from isa_engine.geometry.frames import latent_of_frame
from isa_engine.geometry.ndc import latent_pixels

D = 8


@given(st.integers(1, 6), st.integers(0, 4))
def test_joining_frames_into_windows_and_back_loses_nothing(latents, points):
    x = torch.randn(2, 4 * latents - 3, points, D)
    joined = to_windows(x)
    assert joined.shape == (2, latents, 4 * points, D)
    assert torch.equal(from_windows(joined, 4 * latents - 3), x)
    # A part from the middle of a video has four frames a latent.
    middle = torch.randn(2, 4 * latents, points, D)
    assert to_windows(middle).shape == (2, latents, 4 * points, D)
    assert torch.equal(from_windows(to_windows(middle), 4 * latents), middle)


def test_each_frame_lands_in_its_own_latent():
    x = torch.arange(9.0)[None, :, None, None].expand(1, 9, 2, 1)
    for frame, latent in enumerate(latent_of_frame(9)):
        holders = (to_windows(x) == frame).any(-1).any(-1)[0].nonzero()[:, 0]
        assert holders.tolist() == [latent]


def attention(queries, keys, values):
    """Eq. 4, one head."""
    return torch.softmax(queries @ keys.mT / queries.shape[-1] ** 0.5, -1) @ values


def transformer() -> ISATransformer:
    torch.manual_seed(0)
    return ISATransformer(D, heads=1, qk_norm=False, last=False)


@torch.no_grad()
def test_a_pixel_begins_by_looking_at_the_points_about_it():
    isa, side = ISATransformer(128, heads=4, qk_norm=False, last=False), 8
    isa.look_about()
    ndc = torch.rand(1, 4, 64, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1
    content = torch.randn(1, 4, 64, 128, generator=torch.Generator().manual_seed(1))
    pixels = pixel_encoding(side, side, 128, "cpu")
    keys = isa.rendering.to_k(content + ispe(ndc, 128))[0, 0]
    queries = isa.rendering.to_q(torch.randn_like(pixels) + pixels)
    centres = torch.as_tensor(latent_pixels(side, side)).flatten(0, 1)[:, :2]
    distance = (centres[:, None] - ndc[0, 0, :, :2]).norm(dim=-1)
    for q, k in zip(queries.chunk(4, -1), keys.chunk(4, -1), strict=True):
        looked = (torch.softmax(q @ k.mT / 32**0.5, -1) * distance).sum(-1)
        assert looked.mean() < 0.75 * distance.mean()


@torch.no_grad()
def test_both_directions_are_cross_attention_with_ispe_added_to_q_k_and_v():
    isa = transformer()
    video, points = torch.randn(1, 3, 5, D), torch.randn(1, 9, 4, D)
    pixels, projections = torch.randn(5, D), torch.randn(1, 9, 4, D)
    modulation = torch.zeros(1, 6, D)
    modulation[:, 2] = 1  # the attention's gate alone
    visible = torch.ones(1, 9, 4, dtype=torch.bool)
    new_video, new_points = isa(video, points, modulation, modulation, visible, (pixels, projections))

    z = torch.nn.functional.layer_norm(video, (D,), eps=1e-6) + pixels
    y = torch.nn.functional.layer_norm(points, (D,), eps=1e-6) + projections
    for latent, frames in enumerate(([0, 0, 0, 0], [1, 2, 3, 4], [5, 6, 7, 8])):
        window, way = y[0, frames].flatten(0, 1), isa.rendering
        nothing_key, nothing_value = way.nothing[:, 0]
        keys = torch.cat([nothing_key[None], way.to_k(window)])
        values = torch.cat([nothing_value[None], way.to_v(window)])
        expected = way.to_out(attention(way.to_q(z[0, latent]), keys, values))
        torch.testing.assert_close(new_video[0, latent] - video[0, latent], expected)

        way, tokens = isa.reconstruction, z[0, latent]
        for frame in set(frames):
            expected = way.to_out(attention(way.to_q(y[0, frame]), way.to_k(tokens), way.to_v(tokens)))
            torch.testing.assert_close(new_points[0, frame] - points[0, frame], expected)


@torch.no_grad()
@pytest.mark.parametrize(("frame", "latent"), [(0, 0), (1, 1), (4, 1), (5, 2), (8, 2)])
def test_the_points_of_a_frame_reach_its_latent_alone(frame, latent):
    isa, modulation = transformer(), torch.ones(1, 6, D)
    video, points = torch.randn(1, 3, 5, D), torch.randn(1, 9, 4, D)
    visible = torch.ones(1, 9, 4, dtype=torch.bool)
    moved = points.clone()
    moved[:, frame] += torch.randn(D)
    before, _ = isa(video, points, modulation, modulation, visible, None)
    after, _ = isa(video, moved, modulation, modulation, visible, None)
    changed = (before != after).flatten(2).any(-1)[0]
    assert changed.nonzero()[:, 0].tolist() == [latent]


def test_both_streams_have_a_feed_forward_and_the_last_layer_leaves_the_points():
    assert transformer().points.feed_forward is not None
    last = ISATransformer(D, heads=1, qk_norm=True, last=True)
    points = torch.randn(1, 5, 4, D)
    visible = torch.ones(1, 5, 4, dtype=torch.bool)
    modulation = torch.ones(1, 6, D)
    _, after = last(torch.randn(1, 2, 3, D), points, modulation, modulation, visible, None)
    assert after is points
