"""The linear autoencoder that small models start from."""

from dataclasses import asdict

import numpy as np
import torch

from isa_engine.configuration import model_config
from isa_engine.vae import VideoVAE
from isa_engine.vae.linear_windows import LinearDecoder, LinearEncoder, cosine_basis


def moving_waves(frames: int, height: int, width: int) -> torch.Tensor:
    """A smooth video ``(1, 3, frames, height, width)``, sand-coloured."""
    y, x, t = torch.linspace(0, 1, height), torch.linspace(0, 1, width), torch.arange(frames) / 24
    t, y, x = torch.meshgrid(t, y, x, indexing="ij")
    wave = torch.sin(6 * x + 3 * t) * torch.cos(5 * y - 2 * t)
    return torch.stack([0.8 * wave + 0.1, 0.7 * wave, 0.6 * wave - 0.2])[None]


def test_the_components_are_orthonormal_and_the_first_is_the_mean():
    basis, scale = cosine_basis(16, 8)
    assert np.allclose(basis @ basis.T, np.eye(16), atol=1e-12)
    assert np.allclose(basis[0], basis[0, 0])
    assert (np.diff(scale) <= 1e-12).all()


def test_with_every_component_nothing_is_lost():
    components = 3 * 4 * 2 * 2
    encoder, decoder = LinearEncoder(components, 2), LinearDecoder(components, 2)
    video = torch.rand(1, 3, 9, 6, 8) * 2 - 1
    assert torch.allclose(decoder(encoder(video, True), True), video, atol=1e-4)
    later = video[:, :, 1:]
    assert torch.allclose(decoder(encoder(later, False), False), later, atol=1e-4)


def test_a_fresh_small_model_already_keeps_a_smooth_video():
    torch.manual_seed(0)
    vae = VideoVAE(**asdict(model_config("isa-tiny").vae))
    video = moving_waves(5, 64, 64)
    posterior = vae.encode(video)
    error = (vae.decode(posterior.sample()) - video).pow(2).mean()
    psnr = 10 * torch.log10(4 / error)
    assert psnr > 30
    assert 0.1 < posterior.mean.std() < 2
