"""Identity latents where their points project: a picture of the cast beside Eq. 20's latents
(``DiTConfig.identity_splat``).

This departs from the paper, whose video tokens learn who stands where through attention alone.
"""

import torch
from torch import Tensor

from isa_engine.dit.conditioning import Conditioning
from isa_engine.geometry.frames import TEMPORAL_COMPRESSION
from isa_engine.geometry.ndc import to_pixels


def latent_cells(conditioning: Conditioning) -> tuple[Tensor, Tensor]:
    """The latent pixel in which each point stands in each frame.

    Returns:
        Its index into ``t · h · w``, ``(B, F, P)`` int64, and whether the point is visible and within the
        picture, ``(B, F, P)`` bool. Where that is false the index is arbitrary, but in range.
    """
    height, width = conditioning.background_latents.shape[-2:]
    ndc = conditioning.ndc
    column, row = to_pixels(ndc, (width, height)).floor().long().unbind(-1)
    within = conditioning.visible & (column >= 0) & (column < width) & (row >= 0) & (row < height)
    # Latents are counted from the last frame backwards, four frames each: a video's first latent has one
    # frame, that of a part from the middle four, and so neither needs to be told from the other.
    latents, frames = conditioning.background_latents.shape[2], torch.arange(ndc.shape[1], device=ndc.device)
    latent = latents - 1 - (frames.flip(0) // TEMPORAL_COMPRESSION)[None, :, None]
    cell = (latent * height + row.clamp(0, height - 1)) * width + column.clamp(0, width - 1)
    return cell, within


def splatted_identity(conditioning: Conditioning) -> Tensor:
    """``(B, C, t, h, w)``: in each latent pixel the identity of the point that stands nearest to the camera
    there in any of its frames, of those whose identity is known; zeros where there is none.

    Which operations run does not depend on the points, so a GPU never waits for their values.
    """
    identity = conditioning.identity
    batch, channels, *size = conditioning.background_latents.shape
    cell, within = latent_cells(conditioning)
    frames, points = cell.shape[1:]
    counts = (within & conditioning.identity_known[:, None]).flatten(1)
    cell, depth = cell.flatten(1), conditioning.ndc[..., 2].flatten(1)
    cells = size[0] * size[1] * size[2]

    depth = depth.masked_fill(~counts, torch.inf)
    nearest = depth.new_full((batch, cells), torch.inf).scatter_reduce(1, cell, depth, "amin")
    # Points of equal depth in one latent pixel are averaged.
    chosen = (counts & (depth == nearest.gather(1, cell))).to(identity.dtype)
    shares = chosen.new_zeros(batch, cells).scatter_add(1, cell, chosen)
    features = identity[:, None].expand(-1, frames, -1, -1).reshape(batch, frames * points, channels)
    sums = features.new_zeros(batch, cells, channels).scatter_add(
        1, cell[..., None].expand_as(features), features * chosen[..., None]
    )
    return (sums / shares.clamp_min(1)[..., None]).movedim(2, 1).unflatten(2, tuple(size))
