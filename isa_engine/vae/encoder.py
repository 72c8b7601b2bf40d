"""Video to the moments of latents: means and log variances."""

import torch
from torch import nn

from isa_engine.vae.blocks import DownBlock, FrameNorm, MidBlock
from isa_engine.vae.causal_conv import CausalConv3d, Past


class Encoder(nn.Module):
    """SD3's encoder with causal time; arguments as in ``VAEConfig``."""

    def __init__(
        self,
        latent_channels: int,
        block_out_channels: tuple[int, ...],
        layers_per_block: int,
        norm_groups: int,
    ):
        super().__init__()
        self.conv_in = CausalConv3d(3, block_out_channels[0])
        self.down_blocks = nn.ModuleList()
        in_channels, last = block_out_channels[0], len(block_out_channels) - 1
        for level, channels in enumerate(block_out_channels):
            # Time is halved late: the fine resolutions still see every frame of a fast movement.
            time = None if level == last else level >= last - 2
            self.down_blocks.append(
                DownBlock(in_channels, channels, layers_per_block, norm_groups, time=time)
            )
            in_channels = channels
        self.mid_block = MidBlock(in_channels, norm_groups)
        self.conv_norm_out = FrameNorm(norm_groups, in_channels)
        self.conv_out = CausalConv3d(in_channels, 2 * latent_channels)
        self.gradient_checkpointing = False

    def forward(self, video: torch.Tensor, past: Past) -> torch.Tensor:
        """``(B, 3, 1 + 4k, H, W)`` to ``(B, 2C, 1 + k, h, w)``: means, then log variances.

        A chunk that does not begin the video has 4k frames and gives k latents.
        """
        frames = self.conv_in(video, past)
        for block in (*self.down_blocks, self.mid_block):
            if torch.is_grad_enabled() and self.gradient_checkpointing and past.whole:
                frames = self._gradient_checkpointing_func(block, frames, past)
            else:
                frames = block(frames, past)
        return self.conv_out(nn.functional.silu(self.conv_norm_out(frames)), past)
