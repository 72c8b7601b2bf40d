"""Camera tokens (Eq. 22); the packed rays themselves come from ``geometry.plucker``."""

import torch
from torch import nn

from isa_engine.configuration import RAY_CHANNELS


class CameraTokens(nn.Module):
    """Packed rays to the tokens that the video attends to in Eq. 23, one for each video token."""

    def __init__(self, width: int):
        super().__init__()
        self.embed = nn.Linear(RAY_CHANNELS, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, rays: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
        """Rays ``(B, t, 24, h, w)`` and the place of each ``(h · w, d)`` to ``(B, t, h · w, d)``."""
        return self.norm(self.embed(rays.flatten(-2).mT) + position)
