"""Where the cast and its shadows stand among the latents, so that a step can count errors there for more.

A figure is often a few latent pixels of a picture whose background is given: with every latent pixel counted
alike, most of what is left to learn weighs little. A shadow is fainter still.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from isa_engine.dit import Conditioning
from isa_engine.dit.identity_splat import latent_cells

# A latent pixel off the figures in which the picture departs from its background by this mean square shows
# the cast in another way: its shadow. Noise of the encoding is a hundredth of that.
_SHADOW = 0.02


def figures(conditioning: Conditioning) -> Tensor:
    """Latent pixels that show a visible point in one of their frames, and those beside them.

    Those beside it hold the outline, and what lies between sparse points.

    Returns:
        ``(B, 1, t, h, w)``, ones there and zeros elsewhere.
    """
    cell, within = latent_cells(conditioning)
    shown = torch.zeros_like(conditioning.background_latents[:, 0])
    marks = within.flatten(1).to(shown.dtype)
    shown = shown.flatten(1).scatter_reduce(1, cell.flatten(1), marks, "amax").view_as(shown)
    return F.max_pool2d(shown, 3, stride=1, padding=1)[:, None]


def shadows(latents: Tensor, conditioning: Conditioning, near: Tensor) -> Tensor:
    """Latent pixels off the figures in which the picture differs from its background.

    None in clips whose cast or background is not known: there nothing tells a shadow from the ground.

    Args:
        latents: ``(B, C, t, h, w)`` of the picture.
        near: ``figures(conditioning)``.

    Returns:
        ``(B, 1, t, h, w)``, ones there and zeros elsewhere.
    """
    background = conditioning.background_latents
    departs = (latents - background).square().mean(1, keepdim=True) > _SHADOW
    told = (background != 0).flatten(1).any(1) & (near != 0).flatten(1).any(1)
    return (departs & (near == 0) & told.view(-1, 1, 1, 1, 1)).to(latents.dtype)
