"""Rendering by the points that project near a token (``DiTConfig.rendering_radius``).

What a video token got from points further away, it gets from one pooled token a character: the mean of the
character's visible points behind the latent, without their places in the picture (after Qihoo-T2X's proxy
tokens, with geometry in place of learned windows).
"""

from typing import NamedTuple

import torch

from isa_engine.dit.conditioning import Conditioning
from isa_engine.dit.point_windows import to_windows
from isa_engine.dit.positional_encoding import token_centres
from isa_engine.errors import ModelError
from isa_engine.geometry.frames import TEMPORAL_COMPRESSION


class NearPoints(NamedTuple):
    """What each video token looks at.

    Attributes:
        seen: ``(B, t, S, 4P + K)`` bool: of the points behind a latent, and after them of the pooled tokens.
        shares: ``(B, t, K, 4P)``: of each point in its character's pooled token. They add up to 1, or to 0
            where nothing of a character is visible, whose pooled token is then not seen.
    """

    seen: torch.Tensor
    shares: torch.Tensor

    def pooled(self, points: torch.Tensor) -> torch.Tensor:
        """``(B, t, 4P, d)``, the points behind each latent, to ``(B, t, K, d)``."""
        return self.shares.to(points.dtype) @ points


def near_points(conditioning: Conditioning, radius: float) -> NearPoints:
    """The visible points within a radius of each video token, and the pooled tokens of all.

    Args:
        radius: in NDC, of x and y alone.

    Raises:
        ModelError: there are points, and it is not told whose.
    """
    owners, rays = conditioning.owners, conditioning.cameras
    if owners.shape[2] and not owners.shape[1]:
        remedy = "Make the samples anew: they were kept before it was told."
        raise ModelError("whose points are whose is not told", where="conditioning, 'owners'", remedy=remedy)
    visible = to_windows(conditioning.visible)[:, :, None]
    places = to_windows(conditioning.ndc[..., :2])
    centres = token_centres(*rays.shape[-2:], rays.device)[:, :2].expand(*places.shape[:2], -1, -1)
    # By differences: the faster way, by products, is off by more than what lies between two points.
    near = torch.cdist(centres, places, compute_mode="donot_use_mm_for_euclid_dist") <= radius
    members = (owners.repeat(1, 1, TEMPORAL_COMPRESSION)[:, None] & visible).float()
    counts = members.sum(-1, keepdim=True)
    there = (counts > 0).mT.expand(-1, -1, near.shape[2], -1)
    return NearPoints(torch.cat([near & visible, there], -1), members / counts.clamp_min(1))
