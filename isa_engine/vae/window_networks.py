"""The encoder and decoder of a small model: residual blocks at the latents' resolution, beside linear maps.

Not in the paper, whose convolutions begin at full resolution: there two CPU cores would spend all their time.
Here each window's pixels become channels first. A linear autoencoder of single windows gives most of the
answer; the blocks learn what it misses, from a window's neighbours and the window before it.
"""

import torch
from einops import rearrange
from torch import nn

from isa_engine.geometry.frames import TEMPORAL_COMPRESSION
from isa_engine.vae.blocks import FrameNorm
from isa_engine.vae.causal_conv import CausalConv3d, Past
from isa_engine.vae.linear_windows import LinearDecoder, LinearEncoder, from_windows, to_windows

# The log variance of latents before training: nearly without noise.
_FIRST_LOGVAR = -6.0


class WindowEncoder(nn.Module):
    """Windows of pixels to the moments of latents.

    Args:
        latent_channels: C.
        side: f_s.
        width: channels.
        layers: residual blocks.
        norm_groups: of the group norms.
    """

    def __init__(self, latent_channels: int, side: int, width: int, layers: int, norm_groups: int):
        super().__init__()
        self.side = side
        self.linear = LinearEncoder(latent_channels, side)
        self.conv_in = nn.Linear(3 * TEMPORAL_COMPRESSION * side**2, width)
        self.blocks = WindowBlocks(width, layers, norm_groups)
        self.norm_out = FrameNorm(norm_groups, width)
        self.conv_out = nn.Linear(width, 2 * latent_channels)
        _silence(self.conv_out)
        nn.init.constant_(self.conv_out.bias[latent_channels:], _FIRST_LOGVAR)

    def forward(self, video: torch.Tensor, past: Past) -> torch.Tensor:
        """``(B, 3, F, H, W)`` to ``(B, 2C, t, h, w)``: means, then log variances."""
        features = self.conv_in(to_windows(video, self.side, past.begins))
        features = rearrange(features, "B t h w C -> B C t h w")
        features = nn.functional.silu(self.norm_out(self.blocks(features, past)))
        moments = rearrange(
            self.conv_out(rearrange(features, "B C t h w -> B t h w C")), "B t h w C -> B C t h w"
        )
        mean, logvar = moments.chunk(2, 1)
        return torch.cat([mean + self.linear(video, past.begins), logvar], 1)


class WindowDecoder(nn.Module):
    """Latents to windows of pixels; arguments as of ``WindowEncoder``."""

    def __init__(self, latent_channels: int, side: int, width: int, layers: int, norm_groups: int):
        super().__init__()
        self.side = side
        self.linear = LinearDecoder(latent_channels, side)
        self.conv_in = CausalConv3d(latent_channels, width, time=1)
        self.blocks = WindowBlocks(width, layers, norm_groups)
        self.norm_out = FrameNorm(norm_groups, width)
        self.conv_out = nn.Linear(width, 3 * TEMPORAL_COMPRESSION * side**2)
        _silence(self.conv_out)

    def forward(self, latents: torch.Tensor, past: Past) -> tuple[torch.Tensor, torch.Tensor]:
        """``(B, C, t, h, w)`` to the video, ``(B, 3, F, H, W)``, and to the features that it is a linear map
        of, beside the latents, ``(B, width, t, h, w)``: a pixel tail goes on from both.
        """
        features = self.blocks(self.conv_in(latents, past), past)
        features = nn.functional.silu(self.norm_out(features))
        windows = self.conv_out(rearrange(features, "B C t h w -> B t h w C"))
        video = from_windows(windows, self.side, past.begins) + self.linear(latents, past.begins)
        return video, features


class WindowBlock(nn.Module):
    """A residual block of two convolutions; at first it changes nothing.

    Args:
        time: latents that its first convolution sees, the last of them its own.
    """

    def __init__(self, width: int, norm_groups: int, time: int):
        super().__init__()
        self.norm = FrameNorm(norm_groups, width)
        self.conv1 = CausalConv3d(width, width, time=time)
        self.conv2 = CausalConv3d(width, width, time=1)
        _silence(self.conv2)

    def forward(self, features: torch.Tensor, past: Past) -> torch.Tensor:
        """``(B, C, t, h, w)`` to the same shape."""
        residual = self.conv1(nn.functional.silu(self.norm(features)), past)
        return features + self.conv2(nn.functional.silu(residual), past)


class WindowBlocks(nn.ModuleList):
    """Residual blocks, of which only the first sees the latent before: a window's own tells most of it."""

    def __init__(self, width: int, layers: int, norm_groups: int):
        super().__init__(WindowBlock(width, norm_groups, time=2 if k == 0 else 1) for k in range(layers))
        self.gradient_checkpointing = False

    def forward(self, features: torch.Tensor, past: Past) -> torch.Tensor:
        """``(B, C, t, h, w)`` to the same shape."""
        for block in self:
            if torch.is_grad_enabled() and self.gradient_checkpointing and past.whole:
                features = self._gradient_checkpointing_func(block, features, past)
            else:
                features = block(features, past)
        return features


def _silence(layer: nn.Module) -> None:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
