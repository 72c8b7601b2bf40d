"""Where nobody is, the background's own pixels return; whoever is there, and their shadows, stay."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from isa_engine.geometry.frames import extended_count, latent_count, latent_of_frame
from isa_engine.pipeline.over_background import at_pixels, cast_alpha, departure, over_background

SIZE = (4, 5)
levels = arrays(np.uint8, (*SIZE, 3))
shares = arrays(np.float32, (*SIZE, 1), elements=st.floats(0, 1, width=32))
nobody = np.zeros((*SIZE, 1), np.float32)
everywhere = np.ones((*SIZE, 1), np.float32)


@given(video=levels, background=levels, cast=shares)
def test_what_the_autoencoder_loses_of_the_background_comes_back_exactly(video, background, cast):
    """Equal latents decode to equal pictures, whatever those have lost."""
    plate = over_background(video, video, background, cast, nobody)
    assert np.array_equal(plate, background)


@given(video=levels, repainted=levels, background=levels)
def test_what_is_painted_where_nobody_is_goes_and_somebody_stays_as_painted(video, repainted, background):
    assert np.array_equal(over_background(video, repainted, background, nobody, everywhere), background)
    assert np.array_equal(over_background(video, repainted, background, everywhere, everywhere), video)


@given(background=levels, departed=shares, darker=st.integers(0, 60))
def test_a_faint_shadow_keeps_at_least_the_share_by_which_it_does_not_depart(background, departed, darker):
    background = np.maximum(background, 60)
    plate = over_background(background - np.uint8(darker), background, background, nobody, departed)
    kept = background.astype(int) - plate
    assert (kept >= (1 - departed) * darker - 1).all()
    assert (kept <= darker).all()


@given(video=levels, repainted=levels, background=levels, cast=shares, departed=shares)
def test_a_plate_is_a_picture(video, repainted, background, cast, departed):
    plate = over_background(video, repainted, background, cast, departed)
    assert (plate.dtype, plate.shape) == (np.uint8, (*SIZE, 3))


@given(matte=shares, body=shares, departed=shares)
def test_the_cast_is_where_the_matte_sees_it_and_on_bodies_that_nothing_hides(matte, body, departed):
    alpha = cast_alpha(matte, body, departed)
    assert (alpha >= matte).all()
    assert np.array_equal(cast_alpha(matte, body, everywhere), np.maximum(matte, body))
    assert np.array_equal(cast_alpha(matte, body, nobody), matte)


def test_latents_depart_the_more_the_farther_they_are():
    background = torch.randn(1, 16, 2, 3, 4, generator=torch.Generator().manual_seed(0))
    shares = [departure(background + away, background).mean().item() for away in (0, 0.1, 0.8, 4)]
    assert shares == pytest.approx([0, 1 - np.exp(-1 / 64), 1 - np.exp(-1), 1], abs=1e-4)


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
