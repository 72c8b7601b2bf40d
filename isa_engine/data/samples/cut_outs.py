"""Squares cut out of many pictures at once, on the device that has them: what ``pipeline.isa.references``
does to one picture with Pillow.
"""

import torch
from torch import Tensor

from isa_engine.pipeline.isa.references import ROOM

# Of Lanczos's kernel, in pixels of the coarser grid.
_REACH = 3


def cut_out(pictures: Tensor, which: Tensor, corner: Tensor, side: Tensor, size: int) -> Tensor:
    """n squares, resized by Lanczos's kernel; a picture's outermost pixels go on where it ends.

    Columns are resized before rows, and colours rounded to eight bits after each, as there. Pillow's weights
    are integers, so a rounding after the columns may fall otherwise and count more than once in the rows: two
    of a hundred thousand colours differ by two levels, the others by at most one. (Above six pixels to one
    Pillow averages first; training's pictures are smaller.)

    Args:
        pictures: ``(B, 3, H, W)`` in [−1, 1].
        which: ``(n,)`` int64, the picture of each square.
        corner, side: ``(n, 2)`` and ``(n,)`` float64 pixels, as of ``pipeline.isa.references.CloseUp``.
        size: pixels of a square's side afterwards.

    Returns:
        ``(n, 3, size, size)`` in [−1, 1].
    """
    height, width = pictures.shape[-2:]
    most = int(ROOM * max(height, width)) + 3
    first = corner.floor()
    count = (corner + side[:, None]).ceil() - first
    weights = _weights(corner - first, side, count, most, size).to(pictures.dtype)

    pixel = first.long()[..., None] + torch.arange(most, device=corner.device)
    column, row = pixel[:, 0].clamp(0, width - 1), pixel[:, 1].clamp(0, height - 1)
    colour = torch.arange(3, device=corner.device)[:, None, None]
    shown = pictures[which[:, None, None, None], colour, row[:, None, :, None], column[:, None, None]]
    # A square's columns first, as Pillow has it: (n, 3, rows, size), then (n, 3, size, size).
    across = _eight_bits(torch.einsum("ncyx,nsx->ncys", (shown + 1) * 127.5, weights[:, 0]))
    return _eight_bits(torch.einsum("ncys,nty->ncts", across, weights[:, 1])) / 127.5 - 1


def _weights(start: Tensor, side: Tensor, count: Tensor, most: int, size: int) -> Tensor:
    """What each of ``most`` pixels on an axis counts for each of ``size`` there: ``(n, 2, size, most)``.

    Args:
        start: ``(n, 2)`` where the square begins among the pixels.
        count: ``(n, 2)`` how many of the pixels belong to it.
    """
    place = torch.arange(size, device=side.device) + 0.5
    pixel = torch.arange(most, device=side.device)
    scale = (side / size)[:, None, None, None]
    centre = start[..., None, None] + place[:, None] * scale
    x = (pixel + 0.5 - centre) / scale.clamp_min(1)
    kernel = torch.sinc(x) * torch.sinc(x / _REACH) * (x.abs() < _REACH) * (pixel < count[..., None, None])
    return kernel / kernel.sum(-1, keepdim=True)


def _eight_bits(levels: Tensor) -> Tensor:
    return levels.round().clamp(0, 255)
