"""Latents to video."""

import torch
from torch import nn

from isa_engine.vae.blocks import FrameNorm, MidBlock, UpBlock
from isa_engine.vae.causal_conv import CausalConv3d, Past


class Decoder(nn.Module):
    """SD3's decoder with causal time, one residual block more a resolution than the encoder has.

    Arguments as in ``VAEConfig``.
    """

    def __init__(
        self,
        latent_channels: int,
        block_out_channels: tuple[int, ...],
        layers_per_block: int,
        norm_groups: int,
    ):
        super().__init__()
        in_channels, last = block_out_channels[-1], len(block_out_channels) - 1
        self.conv_in = CausalConv3d(latent_channels, in_channels)
        self.mid_block = MidBlock(in_channels, norm_groups)
        self.up_blocks = nn.ModuleList()
        for level, channels in enumerate(reversed(block_out_channels)):
            time = None if level == last else level < 2
            block = UpBlock(in_channels, channels, layers_per_block + 1, norm_groups, time=time)
            self.up_blocks.append(block)
            in_channels = channels
        self.conv_norm_out = FrameNorm(norm_groups, in_channels)
        self.conv_out = CausalConv3d(in_channels, 3)
        self.gradient_checkpointing = False

    def forward(self, latents: torch.Tensor, past: Past) -> torch.Tensor:
        """``(B, C, 1 + k, h, w)`` to ``(B, 3, 1 + 4k, H, W)``.

        A chunk that does not begin the video has k latents and gives 4k frames.
        """
        frames = self.conv_in(latents, past)
        for block in (self.mid_block, *self.up_blocks):
            if torch.is_grad_enabled() and self.gradient_checkpointing and past.whole:
                frames = self._gradient_checkpointing_func(block, frames, past)
            else:
                frames = block(frames, past)
        return self.conv_out(nn.functional.silu(self.conv_norm_out(frames)), past)
