"""The matte: where the generated people are. A trained matte head sees them in the latents; for an untrained
model it is the projected body, without hair and cloth. The record says which.
"""

from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw
from torch import Tensor

from isa_engine.geometry.ndc import project, to_pixels
from isa_engine.shot import Shot

_SUPERSAMPLING = 4


def alpha_pictures(logits: Tensor) -> Tensor:
    """The matte head's logits ``(1, 1, F, H, W)`` as pictures ``(1, 3, F, H, W)`` in [−1, 1]."""
    return (2 * logits.sigmoid() - 1).expand(-1, 3, -1, -1, -1)


def projected_matte(shot: Shot, size: tuple[int, int]) -> Iterator[np.ndarray]:
    """The union of the projected surfaces of those whom the frame shows.

    Args:
        size: ``(width, height)`` of the canvas.

    Yields:
        ``(height, width, 3)`` uint8 a frame, white where the cast is; edges are antialiased.
    """
    fine = size[0] * _SUPERSAMPLING, size[1] * _SUPERSAMPLING
    for frame, mvp in enumerate(shot.mvp):
        matte = Image.new("L", fine, 0)
        draw = ImageDraw.Draw(matte)
        for character in shot.characters:
            if not character.visible[frame]:
                continue
            ndc, in_front = project(character.points[frame].astype(np.float64), mvp)
            pixels = to_pixels(ndc, fine)
            triangles = character.triangles[in_front[character.triangles].all(1)]
            corners = pixels[triangles]
            # A triangle wholly off the canvas may lie millions of pixels away.
            shown = (corners.max(1) >= 0).all(1) & (corners.min(1) <= fine).all(1)
            for corner in corners[shown].reshape(-1, 6).tolist():
                draw.polygon(corner, fill=255)
        yield np.repeat(np.array(matte.resize(size, Image.Resampling.BOX))[..., None], 3, axis=2)
