"""The matte head: alpha of the generated people, hair and cloth included, from the latents alone."""

import torch
from einops import rearrange
from torch import nn

from isa_engine.geometry.frames import TEMPORAL_COMPRESSION
from isa_engine.vae.blocks import FrameNorm, ResnetBlock
from isa_engine.vae.causal_conv import CausalConv3d, Past
from isa_engine.vae.video_vae import State


class MatteHead(nn.Module):
    """Causal residual blocks at the latents' resolution, then one matrix from each latent pixel to the
    4 · f_s² pixels of its window.

    Args:
        latent_channels, spatial_compression: of the VideoVAE whose latents it reads.
        width: channels.
        layers: residual blocks.
        norm_groups: of the group norms.
    """

    def __init__(
        self, latent_channels: int, spatial_compression: int, width: int, layers: int, norm_groups: int
    ):
        super().__init__()
        self.spatial_compression = spatial_compression
        self.conv_in = CausalConv3d(latent_channels, width)
        self.resnets = nn.ModuleList([ResnetBlock(width, width, norm_groups) for _ in range(layers)])
        self.norm_out = FrameNorm(norm_groups, width)
        self.to_window = nn.Linear(width, TEMPORAL_COMPRESSION * spatial_compression**2)

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        """
        Args:
            latents: ``(B, C, 1 + k, h, w)``, not normalised.

        Returns:
            logits of alpha, ``(B, 1, 1 + 4k, H, W)``.
        """
        return self._logits(latents, Past())

    def decode_chunk(self, latents: torch.Tensor, state: State | None) -> tuple[torch.Tensor, State]:
        """Logits of the next chunk of latents; chunk after chunk equals ``forward`` of the whole.

        Args:
            state: from the chunk before; None for the first.
        """
        past = Past(state, remember=True)
        return self._logits(latents, past), tuple(past.tails)

    def _logits(self, latents: torch.Tensor, past: Past) -> torch.Tensor:
        frames = self.conv_in(latents, past)
        for block in self.resnets:
            frames = block(frames, past)
        frames = nn.functional.silu(self.norm_out(frames))
        side = self.spatial_compression
        logits = rearrange(
            self.to_window(rearrange(frames, "B C t h w -> B t h w C")),
            "B t h w (k p q) -> B 1 (t k) (h p) (w q)",
            k=TEMPORAL_COMPRESSION,
            p=side,
            q=side,
        )
        # A video's first latent stands for one frame: of its window's four only the last is kept.
        return logits[:, :, TEMPORAL_COMPRESSION - 1 :] if past.begins else logits
