"""The picture laid over the background that it was given.

Two things spoil ground on which nobody stands: what the autoencoder loses of any picture, and what the
network paints about a figure, halos and smears. But the set's own pixels are known, and so is where the cast
may be: on its projected bodies, and where the matte head sees somebody, which is cloth and hair as well. So

    whole = video + (1 − departed) · (background − repainted)
    plate = background + max(cast, 1 − departed) · (whole − background)

The first line gives back what the autoencoder lost of the background, wherever the latents are the
background's own. The second lets the background return where the latents depart from it and nobody is.
Contact shadows depart little, and stay.

Frames are numbers from 0 to 255, ``(…, H, W, 3)``, and shares from 0 to 1, ``(…, H, W, 1)``.
"""

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from isa_engine.geometry.frames import TEMPORAL_COMPRESSION

# The distance of normalised latents, root of the mean square over channels, at which 63 % of a latent pixel
# counts as departed from its background. What is on a plain ground where nobody is lies below 0.04 in half of
# all pixels, contact shadows below 0.4; halos lie above 0.8, and figures above 1.
_DISTANCE = 0.8


def departure(latents: Tensor, background: Tensor) -> Tensor:
    """How far each latent pixel departs from the background's: ``1 − exp(−(d / 0.8)²)``.

    Args:
        latents, background: normalised, ``(B, C, t, h, w)``.

    Returns:
        ``(B, 1, t, h, w)``, 0 where they are equal, towards 1 where they have nothing in common.
    """
    square = (latents - background).square().mean(1, keepdim=True)
    return 1 - (-square / _DISTANCE**2).exp()


def cast_alpha(matte: np.ndarray, body: np.ndarray, departed: np.ndarray) -> np.ndarray:
    """Where the cast is: as the matte head sees it, and on its projected bodies wherever the picture is not
    the background's, as it is where a part of the set hides somebody."""
    return np.maximum(matte, body * departed)


def over_background(
    video: np.ndarray, repainted: np.ndarray, background: np.ndarray, cast: np.ndarray, departed: np.ndarray
) -> np.ndarray:
    """The plate's frame, uint8.

    Args:
        video: decoded from the take's latents.
        repainted: decoded from the background's latents.
        background: as it was given.
        cast: where somebody may be: the larger of the matte head's answer and the projected bodies.
        departed: ``departure`` at each pixel.
    """
    video, repainted, background = (part.astype(np.float32) for part in (video, repainted, background))
    whole = video + (1 - departed) * (background - repainted)
    plate = background + np.maximum(cast, 1 - departed) * (whole - background)
    return plate.round().clip(0, 255).astype(np.uint8)


def at_pixels(latent: Tensor, scale: int, begins: bool) -> Tensor:
    """A share of each latent pixel at the pixels of the frames that it stands for.

    Args:
        latent: ``(B, 1, t, h, w)``.
        scale: pixels to a latent pixel's side.
        begins: whether the first latent is a video's first, which stands for one frame.

    Returns:
        ``(B, 1, F, scale · h, scale · w)``, F = 4 t, or 4 t − 3 where they begin a video.
    """
    frames = latent.repeat_interleave(TEMPORAL_COMPRESSION, 2)
    if begins:
        frames = frames[:, :, TEMPORAL_COMPRESSION - 1 :]
    pixels = F.interpolate(frames.transpose(1, 2).flatten(0, 1), scale_factor=scale, mode="bilinear")
    return pixels.unflatten(0, (len(latent), -1)).transpose(1, 2)
