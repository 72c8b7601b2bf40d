"""Surface points to 3D tokens (Eq. 8) that carry who they belong to (Eq. 19)."""

import torch
from torch import nn

from isa_engine.dit.positional_encoding import world_encoding


class PointTokens(nn.Module):
    """``Y = F_mlp(PE(G)) + identity``.

    A token says only where its point is and how it looks, so the order of points does not matter.

    Args:
        width: d.
        latent_channels: C of the reference latents.
    """

    def __init__(self, width: int, latent_channels: int):
        super().__init__()
        self.width = width
        self.mlp = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.identity = nn.Linear(latent_channels, width)
        self.unknown_identity = nn.Parameter(torch.zeros(width))

    def forward(self, points: torch.Tensor, identity: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        """Tokens of points.

        Args:
            points: ``(B, F, P, 3)`` canonical coordinates in metres, float32.
            identity: ``(B, P, C)`` reference latents sampled where each point stands in its reference.
            known: ``(B, P)`` bool; elsewhere a learned embedding stands for "anyone".

        Returns:
            ``(B, F, P, d)`` in the dtype of ``identity``.
        """
        tokens = self.mlp(world_encoding(points, self.width).to(identity.dtype))
        identity = torch.where(known[..., None], self.identity(identity), self.unknown_identity)
        return tokens + identity[:, None]
