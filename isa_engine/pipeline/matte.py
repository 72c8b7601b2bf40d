"""The matte: where the generated people are. A trained matte head sees them in the latents, held to their
projected bodies where the background is known (``over_background.cast_alpha``); for an untrained model it is
the projected body, without hair and cloth. The record says which.
"""

from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw

from isa_engine.geometry.ndc import project, to_pixels
from isa_engine.shot import Shot

_SUPERSAMPLING = 4


def projected_matte(shot: Shot, size: tuple[int, int]) -> Iterator[np.ndarray]:
    """The union of the projected surfaces of those whom the frame shows.

    Args:
        size: ``(width, height)`` of the canvas.

    Yields:
        ``(height, width, 3)`` uint8 a frame, white where the cast is; edges are antialiased.
    """
    for frame in range(shot.frames):
        yield np.repeat(projected_bodies(shot, frame, size)[..., None], 3, axis=2)


def projected_bodies(shot: Shot, frame: int, size: tuple[int, int]) -> np.ndarray:
    """One frame of ``projected_matte``, ``(height, width)``."""
    fine = size[0] * _SUPERSAMPLING, size[1] * _SUPERSAMPLING
    matte = Image.new("L", fine, 0)
    draw = ImageDraw.Draw(matte)
    for character in shot.characters:
        if not character.visible[frame]:
            continue
        ndc, in_front = project(character.points[frame].astype(np.float64), shot.mvp[frame])
        pixels = to_pixels(ndc, fine)
        triangles = character.triangles[in_front[character.triangles].all(1)]
        corners = pixels[triangles]
        # A triangle wholly off the canvas may lie millions of pixels away.
        shown = (corners.max(1) >= 0).all(1) & (corners.min(1) <= fine).all(1)
        for corner in corners[shown].reshape(-1, 6).tolist():
            draw.polygon(corner, fill=255)
    return np.array(matte.resize(size, Image.Resampling.BOX))
