"""The regularisation ties each frame of a window to its own quarter of the latent."""

import torch

from isa_engine.training.vae.image_decoding import SubLatentDecoder, image_decoding_loss


def test_frame_k_comes_from_quarter_k_alone():
    torch.manual_seed(0)
    decoder = SubLatentDecoder(latent_channels=16, spatial_compression=8)
    latents = torch.randn(1, 16, 3, 4, 4, requires_grad=True)
    decoded = decoder(latents)
    assert decoded.shape == (1, 3, 3, 4, 32, 32)
    for window in range(3):
        for frame in range(4):
            (gradient,) = torch.autograd.grad(decoded[:, :, window, frame].sum(), latents, retain_graph=True)
            reached = gradient.abs().sum((0, 3, 4)) > 0
            expected = torch.zeros(16, 3, dtype=torch.bool)
            expected[4 * frame : 4 * frame + 4, window] = True
            assert torch.equal(reached, expected)


def test_the_loss_compares_each_quarter_with_the_frame_it_stands_for():
    video = torch.arange(9.0).view(1, 1, 9, 1, 1).expand(1, 3, 9, 8, 8)
    decoded = torch.empty(1, 3, 3, 4, 8, 8)
    decoded[:, :, 0] = 0
    for window in (1, 2):
        for frame in range(4):
            decoded[:, :, window, frame] = 4 * window - 3 + frame
    assert image_decoding_loss(decoded, video) == 0
    assert image_decoding_loss(decoded.flip(3), video) > 0
