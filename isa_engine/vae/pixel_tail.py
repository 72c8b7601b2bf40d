"""The last stage of a small model's decoder: from windows of 8 × 8 pixels to windows of 2 × 2.

Not in the paper. The small decoder works at the latents' resolution, and writes each window of 4 · f_s²
pixels from one place of its features, by a linear map. Neighbours do not quite agree where they meet: in
space a grid shows, in time a jump every fourth frame. Here the video is folded again, into windows of 2 × 2
pixels, so that convolutions reach across any border, and each small window is told, by another linear map,
what the large one's features say of it. Two of the convolutions also see the latent before.
"""

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import nn

from isa_engine.geometry.frames import TEMPORAL_COMPRESSION
from isa_engine.vae.causal_conv import CausalConv3d, Past
from isa_engine.vae.linear_windows import from_windows, to_windows

# Pixels to a small window's side. With 1, at full resolution, this would take longer than the decoder before
# it.
SIDE = 2


class PixelTail(nn.Module):
    """A residual block at the resolution of small windows, whose result is added to a decoded video; it is
    zero until trained.

    Args:
        width: channels.
        side: f_s, of the decoder's windows; even.
        inside: width of the decoder's features.
    """

    def __init__(self, width: int, side: int, inside: int):
        super().__init__()
        pixels = 3 * TEMPORAL_COMPRESSION * SIDE**2
        self.parts = side // SIDE
        self.conv_in = CausalConv3d(pixels, width, time=2)
        self.features_in = nn.Linear(inside, width * self.parts**2)
        self.conv1 = CausalConv3d(width, width, time=2)
        self.conv2 = CausalConv3d(width, width, time=1)
        self.conv_out = CausalConv3d(width, pixels, time=1)
        for layer in (self.conv2, self.conv_out):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, video: torch.Tensor, features: torch.Tensor, past: Past) -> torch.Tensor:
        """
        Args:
            video: decoded, ``(B, 3, F, H, W)``.
            features: of which it was decoded, ``(B, inside, t, H / f_s, W / f_s)``.

        Returns:
            as ``video``; the four frames of a latent are seen together.
        """
        windows = rearrange(to_windows(video, SIDE, past.begins), "B t h w C -> B C t h w")
        told = rearrange(
            self.features_in(rearrange(features, "B C t h w -> B t h w C")),
            "B t h w (p q C) -> B C t (h p) (w q)",
            p=self.parts,
            q=self.parts,
        )
        inside = self.conv_in(windows, past) + told
        inside = inside + self.conv2(F.silu(self.conv1(F.silu(inside), past)), past)
        change = rearrange(self.conv_out(F.silu(inside), past), "B C t h w -> B t h w C")
        return video + from_windows(change, SIDE, past.begins)
