"""Where the cast stands among the latents, so that a step can count errors there for more.

A figure is often a few latent pixels of a picture whose background is given: with every latent pixel counted
alike, most of what is left to learn weighs little.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from isa_engine.dit import Conditioning
from isa_engine.geometry.frames import latent_count, latent_of_frame
from isa_engine.geometry.ndc import picture_coordinates


def figures(conditioning: Conditioning, height: int, width: int) -> Tensor:
    """Latent pixels that show a visible point in one of their frames, and those beside them.

    Those beside it hold the outline, and what lies between sparse points.

    Returns:
        ``(B, 1, t, height, width)``, ones there and zeros elsewhere.
    """
    ndc, visible = conditioning.ndc, conditioning.visible
    batch, frames, points = visible.shape
    place = (picture_coordinates(ndc) + 1) / 2 * ndc.new_tensor([width, height])
    column, row = place.floor().long().unbind(-1)
    within = visible & (column >= 0) & (column < width) & (row >= 0) & (row < height)
    latent = torch.as_tensor(latent_of_frame(frames), device=ndc.device).view(1, frames, 1)
    sample = torch.arange(batch, device=ndc.device).view(batch, 1, 1)
    shown = ndc.new_zeros(batch, latent_count(frames), height, width)
    index = [axis.expand(batch, frames, points)[within] for axis in (sample, latent, row, column)]
    shown[tuple(index)] = 1
    return F.max_pool2d(shown, 3, stride=1, padding=1)[:, None]
