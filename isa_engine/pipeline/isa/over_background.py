"""The picture laid over the background that it was given.

Two things spoil ground on which nobody stands: what the autoencoder loses of any picture, and what the
network paints there, grain, halos, smears, and whom a quick camera leaves behind, as one latent stands for
four frames. But the set's own pixels are known, and so is where the cast is: on its projected bodies and
close by, where hair and cloth may be (``pipeline.isa.nearness``). And what the references show of the cast is
known more finely than latents are (``pipeline.isa.reprojection``). So

    whole  = video + alike(0.25) · (known − repainted)
    ground = background + alike(1.6) · shade
    plate  = ground + near · (whole − ground)

where ``known`` is the background with the cast reprojected before it, ``repainted`` what the autoencoder
makes of that, ``alike(s) = exp(−d² / s²)`` tells by their distance d how much latents are still its, and
``shade`` by how much the ground is darker than it, smoothed: people's shadows. A background that has people's
shadows, as a scene's renderer throws them, is the ground as it is.

Frames are numbers from 0 to 255, ``(…, H, W, 3)``; shares from 0 to 1 and squared distances ``(…, H, W, 1)``.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from isa_engine.geometry.frames import TEMPORAL_COMPRESSION

# Distances of normalised latents, root of the mean square over channels. On ground where nobody is half of
# them lie below 0.02, on people half of them below 0.25. What differs less than this from what is known gets
# its detail; were it 0.5, renders laid over it would lose a decibel of their own.
_SAME = 0.25
# Nobody was painted where they differ less than this: shoes that are like the ground differ more.
_NOBODY = 0.12
# Shadows lie in between. Of a render's own, through the autoencoder, 0.8 would keep 54 % and 1.6 keeps 73 %;
# about generated figures that costs 0.1 dB.
_SHADED = 1.6
# Metres from the skin within which hair and cloth are looked for: 0.4 % of the people from whom the network
# learned are further off, while its halos reach further.
REACH = 0.04
# Shade is a mean over so many of the canvas's pixels about each, taken twice: grain and the grid of 8-pixel
# latents go.
_SMOOTH = 9


def square_distance(latents: Tensor, background: Tensor) -> Tensor:
    """How far each latent pixel is from the background's, squared: the mean square over channels.

    Args:
        latents, background: normalised, ``(B, C, t, h, w)``.

    Returns:
        ``(B, 1, t, h, w)``.
    """
    return (latents - background).square().mean(1, keepdim=True)


def cast_alpha(head: np.ndarray, body: np.ndarray, near: np.ndarray, square: np.ndarray) -> np.ndarray:
    """The matte: projected bodies, and what the matte head sees close by, wherever the picture is not the
    background's.

    The matte head knows neither bodies nor the set: alone it takes a shadow's edge and a bright edge of the
    set for somebody. The picture is the background's where the network left a limb out.

    Args:
        head, body: shares of each pixel in [0, 1], ``(…, H, W, 1)``: the matte head's, and projected bodies'.
        near: as of ``over_background``.
        square: ``square_distance`` to the background's latents, at each pixel.

    Returns:
        a share of each pixel, ``(…, H, W, 1)``.
    """
    return np.maximum(body, head * near) * (1 - _alike(square, _NOBODY))


def over_background(
    video: np.ndarray,
    repainted: np.ndarray,
    known: np.ndarray,
    background: np.ndarray,
    near: np.ndarray,
    square: np.ndarray,
    shadows: bool = False,
    scale: int = 1,
) -> np.ndarray:
    """The plate's frame, ``(H, W, 3)`` uint8.

    Args:
        video: decoded from the take's latents, ``(H, W, 3)`` uint8, as the next three.
        repainted: decoded from the latents of what is known.
        known: the background with the cast reprojected before it.
        background: as it was given.
        near: ``(H, W, 1)`` in [0, 1], nearness to skins within ``REACH``; 0 where the set hides somebody.
        square: ``square_distance`` to what is known, at each pixel, ``(H, W, 1)``.
        shadows: whether the background has the cast's shadows.
        scale: pixels along each side to one of the canvas.
    """
    given = (video, repainted, known, background)
    video, repainted, known, background = (part.astype(np.float32) for part in given)
    whole = video + _alike(square, _SAME) * (known - repainted)
    ground = background
    if not shadows:
        shaded = _alike(square, _SHADED)
        darker = (video - repainted).mean(-1, keepdims=True).clip(max=0)
        ground = background + shaded * _smoothed(darker, (1 - near) * shaded, scale)
    return (ground + near * (whole - ground)).round().clip(0, 255).astype(np.uint8)


def _alike(square: np.ndarray, distance: float) -> np.ndarray:
    return np.exp(-square / distance**2)


def _smoothed(values: np.ndarray, weights: np.ndarray, scale: int) -> np.ndarray:
    """A weighted mean about each pixel, of ``(…, H, W, 1)``: what the cast covers does not count."""
    size = values.shape[-3:-1]
    maps = np.stack([values * weights, weights]).reshape(-1, 1, *size)
    maps = F.avg_pool2d(torch.from_numpy(maps.astype(np.float32)), scale)
    for _ in range(2):
        maps = F.avg_pool2d(maps, _SMOOTH, 1, _SMOOTH // 2, count_include_pad=False)
    maps = F.interpolate(maps, scale_factor=scale, mode="bilinear")
    total, weight = maps.numpy().reshape(2, *values.shape)
    return total / np.maximum(weight, 1e-3)


def at_pixels(latent: Tensor, scale: int, begins: bool) -> Tensor:
    """A number of each latent pixel at the pixels of the frames that it stands for.

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
