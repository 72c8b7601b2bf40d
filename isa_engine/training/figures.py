"""Where the cast stands among the latents, so that a step can count errors there for more.

A figure is often a few latent pixels of a picture whose background is given: with every latent pixel counted
alike, most of what is left to learn weighs little.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from isa_engine.dit import Conditioning
from isa_engine.dit.identity_splat import latent_cells


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
