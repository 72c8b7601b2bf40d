"""Conditioning in 2D, the ablation of Table 4 and Fig. 14: normal maps in place of points and ISA.

The maps themselves are drawn by ``geometry.normal_maps``, with 2 × 2 of their pixels to a latent pixel. Those
of the four frames behind a latent are packed into its channels.
"""

import torch
from einops import rearrange
from torch import nn

from isa_engine.configuration import NORMAL_CHANNELS, NORMAL_DETAIL
from isa_engine.errors import ModelError
from isa_engine.geometry.plucker import pack


def pack_normals(maps: torch.Tensor) -> torch.Tensor:
    """Pictures ``(F, 3, 2h, 2w)`` to ``(t, 48, h, w)``: the frames of Eq. 9's windows, space in channels."""
    return pack(rearrange(maps, "F n (h p) (w q) -> F (n p q) h w", p=NORMAL_DETAIL, q=NORMAL_DETAIL))


class NormalTokens(nn.Module):
    """Packed maps to tokens that stand where the video's do.

    Args:
        width: d.
        patch: latent pixels to a token's side.
    """

    def __init__(self, width: int, patch: int):
        super().__init__()
        self.patch = patch
        self.mlp = nn.Sequential(
            nn.Linear(NORMAL_CHANNELS * patch**2, width), nn.SiLU(), nn.Linear(width, width)
        )

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """``(B, t, 48, h, w)`` to ``(B, t, S, d)``.

        Raises:
            ModelError: the conditions were made for a model without normal maps.
        """
        if maps.shape[2] != NORMAL_CHANNELS:
            problem = f"{maps.shape[2]} channels where the model reads {NORMAL_CHANNELS}"
            raise ModelError(problem, where="conditioning, 'normal_maps'")
        return self.mlp(rearrange(maps, "B t n (r p) (c q) -> B t (r c) (n p q)", p=self.patch, q=self.patch))


class NormalControl(nn.Module):
    """``video + linear(normal tokens)``, in each layer; starts as a no-op, as in ControlNet."""

    def __init__(self, width: int):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, video: torch.Tensor, normals: torch.Tensor) -> torch.Tensor:
        """Both ``(B, t, S, d)``."""
        return video + self.linear(normals)
