"""The last stage of a decoder of windows: nothing until trained; then it reaches across borders, and knows
what the decoder's features say."""

from dataclasses import asdict

import torch

from isa_engine.vae import VideoVAE
from isa_engine.vae.causal_conv import Past
from tests.vae.small_vaes import WITH_TAIL, noise_latents, small_vae


def test_a_new_tail_changes_nothing():
    vae, past = VideoVAE(**asdict(WITH_TAIL)).eval(), Past()
    latents = noise_latents(vae, 3)
    video, _ = vae.decoder(latents, past)
    assert torch.equal(vae.decode(latents), video)


def change_by(video=0, features=0):
    """Where a tail's answer differs once one pixel, or the features of one window, are others: ``(F, H, W)``.

    It is the last pixel of the second window of the first row, or that window, both of the last latent.
    """
    vae = small_vae(WITH_TAIL)
    decoded, known = vae.decoder(noise_latents(vae, 2, rows=3, columns=4), Past())
    other, others = decoded.clone(), known.clone()
    other[0, :, -1, 3, 7] += video
    others[0, :, -1, 0, 1] += features
    before, after = vae.tail(decoded, known, Past()), vae.tail(other, others, Past())
    return ((after - other) - (before - decoded)).abs()[0].amax(0) > 0


def test_a_pixel_tells_in_the_windows_beside_its_own():
    changed = change_by(video=1)
    assert changed[-1, :4, 8:].any()
    assert changed[-1, 4:, 4:8].any()


def test_features_tell_in_all_of_their_window_and_across_its_borders():
    changed = change_by(features=1)
    assert changed[-4:, :4, 4:8].all()
    assert changed[-4:, :4, 8].all()


def test_neither_tells_in_the_latent_before():
    assert not change_by(video=1)[:-4].any()
    assert not change_by(features=1)[:-4].any()
