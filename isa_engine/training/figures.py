"""Where the cast stands among the latents, so that a step can count errors there for more.

A figure is often a few latent pixels of a picture whose background is given: with every latent pixel counted
alike, most of what is left to learn weighs little.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from isa_engine.dit import Conditioning
from isa_engine.geometry.frames import latent_of_frame
from isa_engine.geometry.ndc import to_pixels


def figures(conditioning: Conditioning) -> Tensor:
    """Latent pixels that show a visible point in one of their frames, and those beside them.

    Those beside it hold the outline, and what lies between sparse points.

    Returns:
        ``(B, 1, t, h, w)``, ones there and zeros elsewhere.
    """
    shown = torch.zeros_like(conditioning.background_latents[:, 0])
    height, width = shown.shape[-2:]
    column, row = to_pixels(conditioning.ndc, (width, height)).floor().long().unbind(-1)
    within = conditioning.visible & (column >= 0) & (column < width) & (row >= 0) & (row < height)
    sample, frame, _ = within.nonzero(as_tuple=True)
    latent = torch.as_tensor(latent_of_frame(within.shape[1]), device=shown.device)
    shown[sample, latent[frame], row[within], column[within]] = 1
    return F.max_pool2d(shown, 3, stride=1, padding=1)[:, None]
