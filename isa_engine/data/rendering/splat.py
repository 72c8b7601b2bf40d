"""A z-buffer for surface samples: which sample each pixel shows."""

import torch
import torch.nn.functional as F
from torch import Tensor

from isa_engine.geometry.depth_keys import EMPTY, depth_key, index_of


def nearest_sample(
    pixels: Tensor, depth: Tensor, in_front: Tensor, turned_away: Tensor | None, height: int, width: int
) -> Tensor:
    """The nearest sample behind each pixel.

    A sample covers the four pixels around it, so a surface sampled about once a pixel has few holes. A closed
    surface never shows its back: a pixel that does lies in a hole, and shows what the pixels around it do.

    Args:
        pixels: ``(F, S, 2)`` x right and y down, in pixels; the first pixel's centre is (½, ½).
        depth: ``(F, S)`` metres.
        in_front: ``(F, S)`` bool.
        turned_away: ``(F, S)`` bool, of samples on the far side of their surface; None where no such
            samples are given.

    Returns:
        ``(F, height, width)`` int64 indices into S; −1 where nothing is.
    """
    frames, samples, _ = pixels.shape
    key = depth_key(depth, torch.arange(samples, device=pixels.device))
    # Each sample goes once into a grid of the corners between pixels; a pixel sees its four corners.
    x, y = (torch.floor(axis + 0.5).long() for axis in pixels.unbind(-1))
    inside = in_front & (x >= 0) & (x <= width) & (y >= 0) & (y <= height)
    rows, columns = height + 1, width + 1
    frame_offset = torch.arange(frames, device=pixels.device)[:, None] * (rows * columns)
    outside = frames * rows * columns
    cell = torch.where(inside, frame_offset + y * columns + x, outside)
    grid = torch.full((outside + 1,), EMPTY, dtype=torch.int64, device=pixels.device)
    grid.scatter_reduce_(0, cell.flatten(), key.flatten(), "amin")
    grid = grid[:-1].view(frames, rows, columns)
    seen = _nearer(_nearer(grid, 1), 2)

    if turned_away is None:
        # Without far sides a hole is told by its neighbours: an empty pixel between two that show something.
        lone = F.pad(seen, (1, 1, 1, 1), value=EMPTY)
        beside = torch.maximum(lone[:, 1:-1, :-2], lone[:, 1:-1, 2:])
        above = torch.maximum(lone[:, :-2, 1:-1], lone[:, 2:, 1:-1])
        return index_of(torch.where(seen == EMPTY, torch.minimum(beside, above), seen))
    frame = torch.arange(frames, device=pixels.device)[:, None, None]
    back = (seen != EMPTY) & turned_away[frame, index_of(seen).clamp_min(0)]
    fronts = F.pad(torch.where(back, EMPTY, seen), (1, 1, 1, 1), value=EMPTY)
    around = _nearer(_nearer(_nearer(_nearer(fronts, 1), 1), 2), 2)
    return index_of(torch.where(back & (around != EMPTY), around, seen))


def _nearer(keys: Tensor, axis: int) -> Tensor:
    """The nearer of each two neighbours."""
    count = keys.shape[axis] - 1
    return torch.minimum(keys.narrow(axis, 0, count), keys.narrow(axis, 1, count))
