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
    # Each sample goes once into a grid of the corners between pixels; a pixel sees its four corners.
    corner = torch.floor(pixels + 0.5).long()
    x, y = corner.unbind(-1)
    inside = in_front & (x >= 0) & (x <= width) & (y >= 0) & (y <= height)
    rows, columns = height + 1, width + 1
    frame_offset = torch.arange(frames, device=pixels.device)[:, None] * (rows * columns)
    outside = frames * rows * columns
    cell = torch.where(inside, frame_offset + y * columns + x, outside)
    grid = torch.full((outside + 1,), _EMPTY, dtype=torch.int64, device=pixels.device)
    grid.scatter_reduce_(0, cell.flatten(), key.flatten(), "amin")
    grid = grid[:-1].view(frames, rows, columns)
    grid = torch.minimum(grid[:, :-1], grid[:, 1:])
    buffer = torch.minimum(grid[..., :-1], grid[..., 1:])
    return torch.where(buffer == _EMPTY, -1, buffer & (2**_INDEX_BITS - 1))
