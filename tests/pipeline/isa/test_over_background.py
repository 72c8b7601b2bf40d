"""Where nobody is, the background's own pixels return; whoever is there, and their shadows, stay."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from isa_engine.geometry.frames import extended_count, latent_count, latent_of_frame
from isa_engine.pipeline.isa.over_background import (
    at_pixels,
    cast_alpha,
    over_background,
    square_distance,
)

SIZE = (4, 5)
levels = arrays(np.uint8, (*SIZE, 3))
shares = arrays(np.float32, (*SIZE, 1), elements=st.floats(0, 1, width=32))
squares = arrays(np.float32, (*SIZE, 1), elements=st.floats(0, 9, width=32))
nobody = alike = np.zeros((*SIZE, 1), np.float32)
everywhere = np.ones((*SIZE, 1), np.float32)
apart = np.full((*SIZE, 1), 1e6, np.float32)


@given(video=levels, background=levels, near=shares)
def test_what_the_autoencoder_loses_of_the_background_comes_back_exactly(video, background, near):
    """Equal latents decode to equal pictures, whatever those have lost."""
    plate = over_background(video, video, background, background, near, alike)
    assert np.array_equal(plate, background)


@given(video=levels, known=levels, background=levels)
def test_what_the_autoencoder_loses_of_the_cast_as_reprojected_comes_back_exactly(video, known, background):
    """On whoever was left as the references show them; nobody is where nobody is near."""
    plate = over_background(video, video, known, background, everywhere, alike)
    assert np.array_equal(plate, known)
    assert np.array_equal(over_background(video, video, known, background, nobody, alike), background)


@given(video=levels, repainted=levels, known=levels, background=levels)
def test_whoever_the_network_paints_anew_has_nothing_of_whom_the_references_show(
    video, repainted, known, background
):
    plate = over_background(video, repainted, known, background, everywhere, apart)
    assert np.array_equal(plate, video)


@given(video=levels, repainted=levels, background=levels, square=squares, near=shares)
def test_what_is_reprojected_changes_nothing_where_the_cast_is_not(
    video, repainted, background, square, near
):
    """The ground and its shadows are the background's."""
    near[:, :2] = 0
    known = background.copy()
    known[:, 3:] = 255 - known[:, 3:]
    plates = [
        over_background(video, repainted, shown, background, near, square) for shown in (known, background)
    ]
    assert np.array_equal(plates[0][:, :3], plates[1][:, :3])


@given(video=levels, repainted=levels, background=levels)
def test_what_is_painted_where_nobody_is_goes_and_somebody_stays_as_painted(video, repainted, background):
    assert np.array_equal(
        over_background(video, repainted, background, background, nobody, apart), background
    )
    assert np.array_equal(over_background(video, repainted, background, background, everywhere, apart), video)


@given(video=levels, repainted=levels, background=levels)
def test_what_is_painted_far_from_what_is_known_has_none_of_its_detail(video, repainted, background):
    """Hair before a tiled floor, of which the autoencoder lost up to 40 levels."""
    repainted = np.clip(repainted, np.maximum(background, 40) - 40, np.minimum(background, 215) + 40)
    far = np.full_like(apart, 0.5**2)
    plate = over_background(video, repainted, background, background, everywhere, far)
    assert plate == pytest.approx(video.astype(int), abs=1)


@given(background=levels, square=squares, darker=st.integers(0, 60))
def test_an_even_shadow_fades_where_the_latents_are_no_longer_like_the_backgrounds(
    background, square, darker
):
    background = np.maximum(background, 60)
    plate = over_background(background - np.uint8(darker), background, background, background, nobody, square)
    kept, share = background.astype(int) - plate, np.exp(-square / 1.6**2)
    assert kept == pytest.approx(np.broadcast_to(share * darker, kept.shape), abs=1)


@given(video=levels, repainted=levels, background=levels, square=squares)
def test_a_background_that_has_the_shadows_is_the_ground_whatever_is_painted_there(
    video, repainted, background, square
):
    plate = over_background(video, repainted, background, background, nobody, square, shadows=True)
    assert np.array_equal(plate, background)


@given(background=levels, lighter=st.integers(0, 60))
def test_what_is_lighter_than_the_set_is_no_shadow(background, lighter):
    background = np.minimum(background, 195)
    plate = over_background(background + np.uint8(lighter), background, background, background, nobody, alike)
    assert np.array_equal(plate, background)


def test_a_shadow_is_as_wide_in_a_larger_plate():
    video = background = np.full((36, 54, 3), 150, np.uint8)
    video = background.copy()
    video[12:24, 20:30] = 90
    clear = np.zeros((36, 54, 1), np.float32)
    small = over_background(video, background, background, background, clear, clear)
    large = over_background(
        *(each.repeat(2, 0).repeat(2, 1) for each in (video, *[background] * 3, clear, clear)), scale=2
    )
    assert small.min() < 140
    assert np.abs(large.reshape(36, 2, 54, 2, 3).mean((1, 3)) - small).max() < 2


def test_of_grain_that_is_as_often_darker_as_lighter_little_stays():
    rng = np.random.default_rng(0)
    background = np.full((64, 64, 3), 120, np.uint8)
    video = (background + rng.normal(0, 12, background.shape)).astype(np.uint8)
    clear = np.zeros((64, 64, 1), np.float32)
    plate = over_background(video, background, background, background, clear, clear)
    assert plate.std() < video.std() / 10


@given(video=levels, repainted=levels, known=levels, background=levels, near=shares, square=squares)
def test_a_plate_is_a_picture(video, repainted, known, background, near, square):
    plate = over_background(video, repainted, known, background, near, square)
    assert (plate.dtype, plate.shape) == (np.uint8, (*SIZE, 3))


@given(head=shares, body=shares, near=shares, square=squares)
def test_the_matte_is_on_bodies_and_where_the_matte_head_sees_somebody_close_by_unless_the_set_is_seen(
    head, body, near, square
):
    matte = cast_alpha(head, body, near, square)
    assert (matte <= np.maximum(body, head)).all()
    assert np.array_equal(cast_alpha(head, body, everywhere, apart), np.maximum(body, head))
    assert np.array_equal(cast_alpha(head, body, nobody, apart), body)
    assert (cast_alpha(head, body, near, apart) >= body).all()
    assert not cast_alpha(head, body, near, alike).any()


def test_who_wears_the_grounds_colours_is_whole_in_the_matte_though_the_plate_shows_some_of_it():
    """Shoes and trousers, a quarter from the ground's latents; grain on bare ground is nearer."""
    worn, grain = (np.full((*SIZE, 1), distance**2, np.float32) for distance in (0.25, 0.02))
    assert (cast_alpha(nobody, everywhere, everywhere, worn) > 0.95).all()
    assert (cast_alpha(nobody, everywhere, everywhere, grain) < 0.05).all()
    dark, light = (np.full((*SIZE, 3), level, np.uint8) for level in (50, 150))
    assert (over_background(dark, dark, light, light, everywhere, worn) > 80).all()


def test_distances_are_root_mean_squares_over_channels():
    background = torch.randn(1, 16, 2, 3, 4, generator=torch.Generator().manual_seed(0))
    squares = square_distance(background + 0.5, background)
    assert squares.shape == (1, 1, 2, 3, 4)
    assert squares.sqrt() == pytest.approx(np.full((1, 1, 2, 3, 4), 0.5), abs=1e-6)


@given(frames=st.integers(1, 40))
def test_every_frame_has_the_share_of_its_latent(frames):
    """In pieces as in one: a decoder's stream is cut anywhere."""
    latents = torch.arange(1, latent_count(frames) + 1, dtype=torch.float32).view(1, 1, -1, 1, 1)
    latents = latents.expand(-1, -1, -1, 2, 3)
    whole = at_pixels(latents, 8, begins=True)
    assert whole.shape == (1, 1, extended_count(frames), 16, 24)
    expected = torch.as_tensor(latent_of_frame(extended_count(frames)) + 1.0).float()
    assert torch.equal(whole[0, 0].flatten(1).amin(1), expected)
    assert torch.equal(whole[0, 0].flatten(1).amax(1), expected)
    pieces = [at_pixels(latents[:, :, :1], 8, begins=True), at_pixels(latents[:, :, 1:], 8, begins=False)]
    assert torch.equal(torch.cat(pieces, 2), whole)
