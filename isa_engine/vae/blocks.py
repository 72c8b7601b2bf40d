"""SD3's autoencoder blocks with causal time. Names of parameters are those of diffusers' AutoencoderKL."""

import torch
from einops import rearrange
from torch import nn

from isa_engine.vae.causal_conv import CausalConv3d, Past

_EPS = 1e-6


class FrameNorm(nn.GroupNorm):
    """Group norm with each frame's statistics by themselves: later frames in them would break causality."""

    def __init__(self, groups: int, channels: int):
        super().__init__(groups, channels, eps=_EPS)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """``(B, C, F, H, W)`` to the same shape."""
        images = rearrange(frames, "B C F h w -> (B F) C h w")
        return rearrange(super().forward(images), "(B F) C h w -> B C F h w", B=len(frames))


class ResnetBlock(nn.Module):
    """SD3's residual block: two norms and causal convolutions, and a 1 × 1 shortcut where channels change."""

    def __init__(self, in_channels: int, out_channels: int, norm_groups: int):
        super().__init__()
        self.norm1 = FrameNorm(norm_groups, in_channels)
        self.conv1 = CausalConv3d(in_channels, out_channels)
        self.norm2 = FrameNorm(norm_groups, out_channels)
        self.conv2 = CausalConv3d(out_channels, out_channels)
        self.conv_shortcut = nn.Conv3d(in_channels, out_channels, 1) if in_channels != out_channels else None

    def forward(self, frames: torch.Tensor, past: Past) -> torch.Tensor:
        """``(B, C, F, H, W)`` to ``(B, C', F, H, W)``."""
        residual = self.conv1(nn.functional.silu(self.norm1(frames)), past)
        residual = self.conv2(nn.functional.silu(self.norm2(residual)), past)
        return residual + (frames if self.conv_shortcut is None else self.conv_shortcut(frames))


class FrameAttention(nn.Module):
    """Single-head self-attention of each frame's pixels."""

    def __init__(self, channels: int, norm_groups: int):
        super().__init__()
        self.group_norm = FrameNorm(norm_groups, channels)
        self.to_q = nn.Linear(channels, channels)
        self.to_k = nn.Linear(channels, channels)
        self.to_v = nn.Linear(channels, channels)
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """``(B, C, F, H, W)`` to the same shape."""
        pixels = rearrange(self.group_norm(frames), "B C F h w -> (B F) 1 (h w) C")
        attended = nn.functional.scaled_dot_product_attention(
            self.to_q(pixels), self.to_k(pixels), self.to_v(pixels)
        )
        batch, _, _, height, width = frames.shape
        return frames + rearrange(
            self.to_out[0](attended), "(B F) 1 (h w) C -> B C F h w", B=batch, h=height, w=width
        )


class MidBlock(nn.Module):
    """Residual, attention, residual, at the latents' resolution."""

    def __init__(self, channels: int, norm_groups: int):
        super().__init__()
        self.resnets = nn.ModuleList([ResnetBlock(channels, channels, norm_groups) for _ in range(2)])
        self.attentions = nn.ModuleList([FrameAttention(channels, norm_groups)])

    def forward(self, frames: torch.Tensor, past: Past) -> torch.Tensor:
        """``(B, C, F, H, W)`` to the same shape."""
        frames = self.attentions[0](self.resnets[0](frames, past))
        return self.resnets[1](frames, past)


class Downsample(nn.Module):
    """Half the resolution, and with ``time`` also half the frames."""

    def __init__(self, channels: int, *, time: bool):
        super().__init__()
        self.conv = CausalConv3d(channels, channels, stride=(2 if time else 1, 2))

    def forward(self, frames: torch.Tensor, past: Past) -> torch.Tensor:
        """``(B, C, F, H, W)`` to ``(B, C, F', H/2, W/2)``; with time, 1 + 2k frames to 1 + k."""
        return self.conv(frames, past)


class Upsample(nn.Module):
    """Repeat pixels, and with ``time`` frames, then convolve.

    The first frame of a video is not repeated: frame i ≥ 1 becomes frames 2i − 1 and 2i, the window of the
    downsampling, and the causal convolution after it gives each of the two another mix of i − 1 and i.
    """

    def __init__(self, channels: int, *, time: bool):
        super().__init__()
        self.time = time
        self.conv = CausalConv3d(channels, channels)

    def forward(self, frames: torch.Tensor, past: Past) -> torch.Tensor:
        """``(B, C, F, H, W)`` to ``(B, C, F', 2H, 2W)``; with time, 1 + k frames to 1 + 2k."""
        frames = nn.functional.interpolate(frames, scale_factor=(2 if self.time else 1, 2, 2), mode="nearest")
        if self.time and past.begins:
            frames = frames[:, :, 1:]
        return self.conv(frames, past)


class _Resolution(nn.Module):
    """Residual blocks at one resolution, then whatever a subclass adds."""

    def __init__(self, in_channels: int, out_channels: int, layers: int, norm_groups: int):
        super().__init__()
        widths = [in_channels] + [out_channels] * (layers - 1)
        self.resnets = nn.ModuleList([ResnetBlock(width, out_channels, norm_groups) for width in widths])

    def forward(self, frames: torch.Tensor, past: Past) -> torch.Tensor:
        for layers in self.children():
            for layer in layers:
                frames = layer(frames, past)
        return frames


class DownBlock(_Resolution):
    """One resolution of the encoder.

    Args:
        time: whether the downsampling at its end halves the frames too; None: no downsampling.
    """

    def __init__(
        self, in_channels: int, out_channels: int, layers: int, norm_groups: int, *, time: bool | None
    ):
        super().__init__(in_channels, out_channels, layers, norm_groups)
        self.downsamplers = nn.ModuleList([] if time is None else [Downsample(out_channels, time=time)])


class UpBlock(_Resolution):
    """One resolution of the decoder.

    Args:
        time: whether the upsampling at its end doubles the frames too; None: no upsampling.
    """

    def __init__(
        self, in_channels: int, out_channels: int, layers: int, norm_groups: int, *, time: bool | None
    ):
        super().__init__(in_channels, out_channels, layers, norm_groups)
        self.upsamplers = nn.ModuleList([] if time is None else [Upsample(out_channels, time=time)])
