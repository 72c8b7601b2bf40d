"""A z-buffer for surface samples: which sample each pixel shows."""

import torch
from torch import Tensor

# Depth is compared in steps of a hundredth of a millimetre, the sample's index in the bits below.
_DEPTH_STEPS = 1e5
_INDEX_BITS = 24
_EMPTY = 2**62


def nearest_sample(pixels: Tensor, depth: Tensor, in_front: Tensor, height: int, width: int) -> Tensor:
    """The nearest sample behind each pixel.

    A sample covers the four pixels around it, so a surface sampled about once a pixel has no holes.

    Args:
        pixels: ``(F, S, 2)`` x right and y down, in pixels; the first pixel's centre is (½, ½).
        depth: ``(F, S)`` metres.
        in_front: ``(F, S)`` bool.

    Returns:
        ``(F, height, width)`` int64 indices into S; −1 where nothing is.
    """
    frames, samples, _ = pixels.shape
    key = ((depth * _DEPTH_STEPS).long() << _INDEX_BITS) | torch.arange(samples, device=pixels.device)
    frame_offset = torch.arange(frames, device=pixels.device)[:, None] * (height * width)
    buffer = torch.full((frames * height * width,), _EMPTY, dtype=torch.int64, device=pixels.device)
    corner = torch.floor(pixels - 0.5).long()
    for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
        x, y = corner[..., 0] + dx, corner[..., 1] + dy
        inside = in_front & (x >= 0) & (x < width) & (y >= 0) & (y < height)
        buffer.scatter_reduce_(0, (frame_offset + y * width + x)[inside], key[inside], "amin")
    index = buffer & (2**_INDEX_BITS - 1)
    return torch.where(buffer == _EMPTY, -1, index).view(frames, height, width)
