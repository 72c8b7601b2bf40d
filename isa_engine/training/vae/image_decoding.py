"""Image-decoding regularisation (paper, 4.2): every frame of a window has its own quarter of the latent.

The causal encoder would rather remember the last frame of each window. A small image decoder must
reconstruct frame k of the window from channels 4k … 4k + 3 alone, which spreads the window's information
evenly and is thrown away after training.
"""

import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from isa_engine.geometry.frames import TEMPORAL_COMPRESSION, windows

# Channels, at the latents' resolution.
_WIDTH = 128


class SubLatentDecoder(nn.Module):
    """One quarter of a latent to one frame.

    Args:
        latent_channels: c of the VAE, divisible by f_t.
        spatial_compression: f_s.
    """

    def __init__(self, latent_channels: int, spatial_compression: int):
        super().__init__()
        self.spatial_compression = spatial_compression
        self.layers = nn.Sequential(
            nn.Conv2d(latent_channels // TEMPORAL_COMPRESSION, _WIDTH, 3, 1, 1),
            nn.SiLU(),
            nn.Conv2d(_WIDTH, _WIDTH, 3, 1, 1),
            nn.SiLU(),
            nn.Conv2d(_WIDTH, 3 * spatial_compression**2, 3, 1, 1),
        )

    def forward(self, latents: Tensor) -> Tensor:
        """Decode ``(B, c, t, h, w)`` to the window's frames ``(B, 3, t, 4, H, W)``.

        The first latent stands for one frame; each of its quarters decodes that frame.
        """
        batch, _, latent_frames = latents.shape[:3]
        quarters = rearrange(latents, "B (k C) t h w -> (B t k) C h w", k=TEMPORAL_COMPRESSION)
        frames = F.pixel_shuffle(self.layers(quarters), self.spatial_compression)
        return rearrange(frames, "(B t k) C h w -> B C t k h w", B=batch, t=latent_frames)


def image_decoding_loss(decoded: Tensor, video: Tensor) -> Tensor:
    """L1 between ``SubLatentDecoder``'s frames and those they stand for.

    Args:
        decoded: ``(B, 3, t, 4, H, W)``.
        video: ``(B, 3, F, H, W)`` with F = 1 + 4(t − 1).
    """
    return F.l1_loss(decoded, video[:, :, windows(video.shape[2])])
