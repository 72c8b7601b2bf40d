"""What the autoencoder promises about shapes, files, numbers and training."""

from dataclasses import asdict, replace

import pytest
import torch

from isa_engine.configuration import MODELS, VAEConfig, model_config
from isa_engine.errors import ModelError
from isa_engine.vae import VideoVAE
from tests.vae.small_vaes import OF_WINDOWS, PLAIN, WITH_TAIL, noise_latents, noise_video, small_vae, speaking


@pytest.mark.parametrize("frames", [1, 5, 13])
def test_windows_of_four_frames_and_f_s_pixels_become_a_latent(vae, frames):
    posterior = vae.encode(noise_video(vae, frames))
    assert posterior.mean.shape == posterior.logvar.shape == (1, 4, 1 + (frames - 1) // 4, 2, 3)
    side = vae.spatial_compression
    assert vae.decode(posterior.mode()).shape == (1, 3, frames, 2 * side, 3 * side)


@pytest.mark.parametrize("name", MODELS)
def test_every_named_configuration_compresses_as_it_says(name):
    config = model_config(name).vae
    with torch.device("meta"):
        vae = VideoVAE(**asdict(config))
        latents = vae.encode(torch.zeros(1, 3, 9, 64, 96)).mean
        assert vae.decode(latents).shape == (1, 3, 9, 64, 96)
    side = config.spatial_compression
    assert latents.shape == (1, config.latent_channels, 3, 64 // side, 96 // side)


def test_the_small_models_autoencoder_is_half_of_the_bundled_weights_at_most():
    with torch.device("meta"):
        vae = VideoVAE(**asdict(model_config("isa-tiny").vae))
    # Two bytes a parameter, of 40 MB.
    assert 2 * vae.num_parameters() < 20e6


def test_normalising_and_back_changes_nothing(vae):
    latents = noise_latents(vae, 2)
    normalised = vae.normalise(latents)
    assert torch.allclose(vae.denormalise(normalised), latents, atol=1e-6)
    assert not torch.allclose(normalised, latents)
    assert torch.equal(vae.normalise(latents[:, :, 0]), normalised[:, :, 0])


def test_normalisation_can_differ_by_channel():
    vae = small_vae(OF_WINDOWS)
    normalised = vae.normalise(torch.ones(1, 4, 1, 1, 1)).flatten()
    assert torch.allclose(normalised, torch.tensor([1.0, 0.0, 1.0, 3.0]))


def test_samples_spread_about_the_mean_as_the_variance_says(vae):
    posterior = vae.encode(noise_video(vae, 5))
    generator = torch.Generator().manual_seed(0)
    samples = torch.stack([posterior.sample(generator) for _ in range(2000)])
    deviation = (posterior.logvar / 2).exp()
    assert ((samples.mean(0) - posterior.mean).abs() < 0.15 * deviation).all()
    assert torch.allclose(samples.std(0), deviation, rtol=0.1)
    seeded = (posterior.sample(torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(*seeded)


@pytest.mark.parametrize("checkpointing", [False, True])
def test_the_loss_reaches_every_parameter(vae, checkpointing):
    torch.manual_seed(0)
    vae = speaking(VideoVAE.from_config(vae.config))
    if checkpointing:
        vae.enable_gradient_checkpointing()
    with torch.enable_grad():
        video = noise_video(vae, 9)
        posterior = vae.encode(video)
        (vae.decode(posterior.sample()) - video).pow(2).mean().backward()
    silent = [n for n, p in vae.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
    # A key's bias shifts all of a pixel's scores alike, which softmax does not see.
    assert all(name.endswith("to_k.bias") for name in silent), silent


BAD_VIDEOS = {
    "shape": (torch.zeros(3, 1, 16, 16), r"the shape is \(3, 1, 16, 16\) where .* is needed \(video\)"),
    "channels": (torch.zeros(1, 4, 1, 16, 16), r"\(batch, 3, frames, height, width\)"),
    "empty": (torch.zeros(1, 3, 0, 16, 16), r"the shape is \(1, 3, 0"),
    "length": (torch.zeros(1, 3, 4, 16, 16), r"4 frames do not fill windows \(video\)\. Give 1 \+ 4k frames"),
    "size": (torch.zeros(1, 3, 1, 16, 18), "18×16 pixels are not multiples of"),
    "number": (torch.full((1, 3, 1, 16, 16), torch.nan), r"a number is not finite \(video\)"),
}


@pytest.mark.parametrize("case", BAD_VIDEOS)
def test_a_bad_video_is_named_in_one_line(vae, case):
    video, sentence = BAD_VIDEOS[case]
    with pytest.raises(ModelError, match=sentence) as error:
        vae.encode(video)
    assert "\n" not in str(error.value)


def test_a_later_chunk_has_whole_windows_only(vae):
    _, state = vae.encode_chunk(noise_video(vae, 1), None)
    with pytest.raises(ModelError, match=r"5 frames do not fill windows.* Give 4k frames"):
        vae.encode_chunk(noise_video(vae, 5), state)


@pytest.mark.parametrize(
    ("latents", "sentence"),
    [
        (torch.zeros(1, 5, 1, 2, 2), r"the shape is .* is needed \(latents\)"),
        (torch.zeros(1, 4, 2, 2), r"the shape is .* is needed \(latents\)"),
        (torch.full((1, 4, 1, 2, 2), torch.inf), r"a number is not finite \(latents\)"),
    ],
)
def test_bad_latents_are_named_in_one_line(vae, latents, sentence):
    with pytest.raises(ModelError, match=sentence):
        vae.decode(latents)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (replace(PLAIN, block_out_channels=(8, 8)), "fewer than three resolutions"),
        (replace(PLAIN, tail_width=8), "a pixel tail needs windows"),
        (replace(WITH_TAIL, window=3), "a pixel tail needs windows, and divides them by 2"),
        (replace(PLAIN, norm_groups=3), "4 channels do not divide into 3 norm groups"),
        (replace(PLAIN, scaling_factor=(1.0, 2.0)), "scaling_factor has 2 numbers for 4 channels"),
    ],
)
def test_sizes_that_do_not_go_together_are_named(config: VAEConfig, sentence):
    with pytest.raises(ModelError, match=sentence):
        VideoVAE(**asdict(config))
