"""A correction of decoded pixels across the borders of windows, after a small model's decoder.

Not in the paper. The small decoder writes each window of 4 · f_s² pixels from one place of its features, and
two neighbours do not quite agree where they meet: in space a grid shows, in time a jump every fourth frame.
Here the video is folded again, into windows of 2 × 2 pixels, so that three convolutions reach across any
border; the first two also see the latent before.
"""

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import nn

from isa_engine.geometry.frames import TEMPORAL_COMPRESSION
from isa_engine.vae.causal_conv import CausalConv3d, Past
from isa_engine.vae.linear_windows import from_windows, to_windows

# Pixels to a window's side. With 1, at full resolution, this would take longer than the decoder before it.
_SIDE = 2


class PixelTail(nn.Module):
    """Three convolutions whose result is added to a decoded video; it is zero until trained.

    Args:
        width: channels.
    """

    def __init__(self, width: int):
        super().__init__()
        pixels = 3 * TEMPORAL_COMPRESSION * _SIDE**2
        self.conv_in = CausalConv3d(pixels, width, time=2)
        self.conv_mid = CausalConv3d(width, width, time=2)
        self.conv_out = CausalConv3d(width, pixels, time=1)
        nn.init.zeros_(self.conv_out.weight)
        nn.init.zeros_(self.conv_out.bias)

    def forward(self, video: torch.Tensor, past: Past) -> torch.Tensor:
        """``(B, 3, F, H, W)`` to the same shape; the four frames of a latent are seen together."""
        features = rearrange(to_windows(video, _SIDE, past.begins), "B t h w C -> B C t h w")
        features = F.silu(self.conv_in(features, past))
        features = F.silu(self.conv_mid(features, past))
        change = rearrange(self.conv_out(features, past), "B C t h w -> B t h w C")
        return video + from_windows(change, _SIDE, past.begins)
