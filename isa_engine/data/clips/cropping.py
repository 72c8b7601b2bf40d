"""Cropping: the part of a recording's picture that a canvas of another aspect shows."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from isa_engine.geometry.camera import modelview_projection
from isa_engine.geometry.ndc import project, to_pixels


@dataclass(frozen=True)
class Crop:
    """A rectangle of whole pixels of a picture ``size = (H, W)``."""

    top: int
    left: int
    height: int
    width: int
    size: tuple[int, int]

    def cut(self, pictures: Tensor) -> Tensor:
        """``(F, H, W, ...)`` to ``(F, h, w, ...)``."""
        rows = slice(self.top, self.top + self.height)
        return pictures[:, rows, self.left : self.left + self.width]

    def intrinsics(self, whole: np.ndarray) -> np.ndarray:
        """``(..., 4)`` of the picture to the rectangle's, whose NDC are other numbers for the same pixels."""
        across, down = self.size[1] / self.width, self.size[0] / self.height
        fx, fy, cx, cy = np.moveaxis(whole, -1, 0)
        x = (cx + 1) * across - 2 * self.left / self.width - 1
        y = 1 - (1 - cy) * down + 2 * self.top / self.height
        return np.stack([fx * across, fy * down, x, y], -1).astype(np.float32)

    def picture(self, pictures: Tensor, height: int, width: int) -> Tensor:
        """``(F, H, W, 3)`` uint8, cut and resized to ``(3, F, height, width)`` in [−1, 1]."""
        cut = self.cut(pictures).movedim(-1, 1).float() / 127.5 - 1
        if cut.shape[2:] != (height, width):
            cut = F.interpolate(cut, (height, width), mode="bilinear", antialias=True).clamp(-1, 1)
        return cut.movedim(1, 0)

    def numbers(self, mask: Tensor, height: int, width: int) -> Tensor:
        """``(F, H, W)`` uint8 to ``(F, height, width)`` int64, each pixel the one at its centre."""
        cut = self.cut(mask)[:, None].float()
        return F.interpolate(cut, (height, width), mode="nearest-exact")[:, 0].long()


def crop_around(
    points: Tensor,
    intrinsics: np.ndarray,
    camera_to_world: np.ndarray,
    size: tuple[int, int],
    height: int,
    width: int,
) -> Crop:
    """The largest rectangle of the canvas's aspect, as near to the cast ``(F, P, 3)`` as there is room."""
    scale = min(size[0] / height, size[1] / width)
    rows, columns = round(height * scale), round(width * scale)
    ndc, in_front = project(
        points, torch.as_tensor(modelview_projection(intrinsics, camera_to_world)).to(points)
    )
    # With nobody in front of the camera the middle of the picture is kept.
    centre = ndc[..., :2][in_front].mean(0) if in_front.any() else torch.zeros(2)
    x, y = to_pixels(centre.clamp(-1, 1).double(), size[::-1]).tolist()
    top = int(np.clip(round(y - rows / 2), 0, size[0] - rows))
    left = int(np.clip(round(x - columns / 2), 0, size[1] - columns))
    return Crop(top, left, rows, columns, size)
