"""The cast drawn on black: which sample each pixel shows, in which light, and how much of a pixel it covers.

F frames, S samples of the whole cast, H W pixels. Figures are drawn at twice the picture's size and averaged
down, within the box of the picture that they reach.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from isa_engine.data.rendering.splat import nearest_sample
from isa_engine.geometry.camera import modelview_projection
from isa_engine.geometry.ndc import project, to_pixels

SUPERSAMPLING = 2
# Fine pixels that a sample reaches beyond its own place.
_RIM = 4


@dataclass(frozen=True)
class Box:
    """Rows and columns of the picture that the cast reaches in any frame: ``(…, top:bottom, left:right)``."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.bottom - self.top, self.right - self.left

    def of(self, picture: Tensor) -> Tensor:
        """A view of ``(F, H, W, ...)``."""
        return picture[:, self.top : self.bottom, self.left : self.right]


@dataclass(frozen=True)
class Drawing:
    """P fine pixels that show somebody.

    Attributes:
        box: that they lie in.
        frames: F.
        frame, row, column: ``(P,)`` where, in fine pixels of the box.
        shown: ``(P,)`` which sample.
        towards_camera: ``(P, 3)`` unit.
    """

    box: Box
    frames: int
    frame: Tensor
    row: Tensor
    column: Tensor
    shown: Tensor
    towards_camera: Tensor

    def picture(self, colours: Tensor) -> tuple[Tensor, Tensor]:
        """The box in these colours ``(P, 3)`` on black, ``(F, h, w, 3)``, and how much of each pixel is
        covered, ``(F, h, w, 1)``."""
        height, width = (side * SUPERSAMPLING for side in self.box.shape)
        fine = torch.zeros(self.frames, height, width, 4, device=colours.device)
        fine[self.frame, self.row, self.column] = torch.cat([colours, torch.ones_like(colours[:, :1])], 1)
        cast = sum(_each_of_a_pixel(fine)) / SUPERSAMPLING**2
        return cast[..., :3], cast[..., 3:]

    def mask(self, owner: Tensor, alpha: Tensor) -> Tensor:
        """Whom each pixel of the box shows, ``(F, h, w)`` int64, 0 for nobody.

        A pixel shows somebody who covers more than half of it. Where it is just half, every other pixel does:
        a mask is neither too large nor too small on the whole.

        Args:
            owner: ``(P,)`` uint8, 1 for the first character.
            alpha: ``(F, h, w)`` as ``picture`` has it.
        """
        rows, columns = (
            torch.arange(start, end, device=owner.device)
            for start, end in (
                (self.box.top, self.box.bottom),
                (self.box.left, self.box.right),
            )
        )
        shows = alpha + (0.25 - 0.5 * ((rows[:, None] + columns) % 2)) > 0.5
        height, width = (side * SUPERSAMPLING for side in self.box.shape)
        fine = torch.zeros(self.frames, height, width, dtype=torch.uint8, device=owner.device)
        fine[self.frame, self.row, self.column] = owner
        mask, *others = _each_of_a_pixel(fine)
        for other in others:
            mask = torch.where(mask > 0, mask, other)
        return (mask * shows).long()


def draw(
    points: Tensor,
    in_sight: Tensor | None,
    turned_away: Tensor | None,
    camera: tuple[np.ndarray, np.ndarray],
    height: int,
    width: int,
) -> Drawing:
    """Find what each pixel shows.

    Args:
        points: ``(F, S, 3)``, world.
        in_sight: ``(F, S)`` bool, those that may be shown; all if None.
        turned_away: ``(F, S)`` bool, those on the far side of a closed surface; none if None.
        camera: intrinsics ``(F, 4)`` and camera-to-world ``(F, 4, 4)``.
        height, width: of the picture.
    """
    mvp = torch.as_tensor(modelview_projection(*camera), dtype=torch.float32, device=points.device)
    ndc, in_front = project(points, mvp)
    if in_sight is not None:
        in_front &= in_sight
    x, y = to_pixels(ndc, (width * SUPERSAMPLING, height * SUPERSAMPLING)).unbind(-1)
    box = _box(x, y, in_front, height, width)
    origin = torch.as_tensor(camera[1][:, None, :3, 3], dtype=torch.float32, device=points.device)
    along_x, along_y, along_z = (points - origin).unbind(-1)
    depth = (along_x.square() + along_y.square() + along_z.square()).sqrt()
    pixels = torch.stack([x - box.left * SUPERSAMPLING, y - box.top * SUPERSAMPLING], -1)
    rows, columns = (side * SUPERSAMPLING for side in box.shape)
    index = nearest_sample(pixels, depth, in_front, turned_away, rows, columns)
    hit = _within(index >= 0)
    frame, row, column = hit.nonzero(as_tuple=True)
    shown = index[hit]
    towards_camera = (origin[frame, 0] - points[frame, shown]) / depth[frame, shown, None]
    return Drawing(box, len(points), frame, row, column, shown, towards_camera)


def _box(x: Tensor, y: Tensor, in_front: Tensor, height: int, width: int) -> Box:
    """The pixels that samples at these fine pixels reach; at least one pixel."""
    if not in_front.any():
        return Box(0, 1, 0, 1)
    bounds = []
    for place, side in ((y, height), (x, width)):
        low = torch.where(in_front, place, torch.inf).amin().clamp(0, side * SUPERSAMPLING)
        high = torch.where(in_front, place, -torch.inf).amax().clamp(0, side * SUPERSAMPLING)
        start = max(0, min(int(low - _RIM) // SUPERSAMPLING, side - 1))
        bounds += [start, min(side, max(start + 1, -(-int(high + _RIM) // SUPERSAMPLING)))]
    return Box(*bounds)


def _each_of_a_pixel(fine: Tensor) -> list[Tensor]:
    """Pictures ``(F, 2H, 2W, ...)`` as those of each place in a pixel ``(F, H, W, ...)``."""
    places = np.ndindex(SUPERSAMPLING, SUPERSAMPLING)
    return [fine[:, y::SUPERSAMPLING, x::SUPERSAMPLING] for y, x in places]


def _within(covered: Tensor) -> Tensor:
    """``(F, H, W)`` bool without its rim: samples cover one pixel beyond the surface that they lie on."""
    inside = covered.clone()
    inside[:, 1:] &= covered[:, :-1]
    inside[:, :-1] &= covered[:, 1:]
    inside[..., 1:] &= covered[..., :-1]
    inside[..., :-1] &= covered[..., 1:]
    return inside
