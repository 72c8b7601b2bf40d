"""The past does not depend on the future, and the first frame stands alone."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_engine.geometry.frames import latent_of_frame, windows
from tests.vae.small_vaes import CONFIGURATIONS, noise_latents, noise_video, small_vae

configurations = st.sampled_from(CONFIGURATIONS)


@st.composite
def length_and_frame(draw) -> tuple[int, int]:
    frames = 1 + 4 * draw(st.integers(0, 4))
    return frames, draw(st.integers(0, frames - 1))


@settings(max_examples=20, deadline=None)
@given(configurations, length_and_frame(), st.integers(0, 2**31))
@torch.no_grad()
def test_a_frame_changes_its_latent_and_none_before(config, length_frame, seed):
    vae = small_vae(config)
    frames, frame = length_frame
    video = noise_video(vae, frames, seed=seed)
    changed = video.clone()
    changed[:, :, frame] *= -1
    latent = latent_of_frame(frames)[frame]
    difference = (vae.encode(video).mean - vae.encode(changed).mean).abs().amax((0, 1, 3, 4))
    assert (difference[:latent] < 1e-6).all()
    assert difference[latent] > 1e-5


@settings(max_examples=20, deadline=None)
@given(configurations, length_and_frame(), st.integers(0, 2**31))
@torch.no_grad()
def test_a_frame_changes_no_decoded_frame_before_its_window(config, length_frame, seed):
    vae = small_vae(config)
    frames, frame = length_frame
    video = noise_video(vae, frames, seed=seed)
    changed = video.clone()
    changed[:, :, frame] *= -1
    decoded, changed_too = (vae.decode(vae.encode(x).mode()) for x in (video, changed))
    window = windows(frames)[latent_of_frame(frames)[frame]]
    difference = (decoded - changed_too).abs().amax((0, 1, 3, 4))
    assert (difference[: window[0]] < 1e-6).all()
    assert difference[window].max() > 1e-6


@settings(max_examples=20, deadline=None)
@given(configurations, st.integers(1, 5), st.data())
@torch.no_grad()
def test_a_latent_changes_every_frame_of_its_window_and_none_before(config, count, data):
    vae = small_vae(config)
    latent = data.draw(st.integers(0, count - 1))
    latents = noise_latents(vae, count)
    changed = latents.clone()
    changed[:, :, latent] *= -1
    difference = (vae.decode(latents) - vae.decode(changed)).abs().amax((0, 1, 3, 4))
    window = windows(len(difference))[latent]
    assert (difference[: window[0]] < 1e-6).all()
    assert (difference[window] > 1e-6).all()


def test_a_video_starts_as_the_picture_of_its_first_frame(vae):
    video = noise_video(vae, 9)
    latents = vae.encode(video).mean
    picture = vae.encode(video[:, :, :1]).mean
    assert torch.allclose(latents[:, :, :1], picture, atol=1e-5)
    assert torch.allclose(vae.decode(latents)[:, :, :1], vae.decode(picture), atol=1e-5)


def test_a_still_stays_still(vae):
    still = noise_video(vae, 1).expand(-1, -1, 9, -1, -1)
    latents = vae.encode(still).mean
    assert torch.allclose(latents[:, :, 1:], latents[:, :, :1].expand_as(latents[:, :, 1:]), atol=1e-5)
