"""The matte: where the cast is. For now the projected body, without hair and cloth; it says so."""

from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw

from isa_engine.geometry.ndc import project
from isa_engine.shot import Shot

KIND = "projected body"
_SUPERSAMPLING = 4


def projected_matte(shot: Shot, size: tuple[int, int]) -> Iterator[np.ndarray]:
    """The union of the cast's projected surfaces.

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
            ndc, in_front = project(character.points[frame].astype(np.float64), mvp)
            pixels = (ndc[:, :2] * [1, -1] + 1) / 2 * fine
            triangles = character.triangles[in_front[character.triangles].all(1)]
            corners = pixels[triangles]
            # A triangle wholly off the canvas may lie millions of pixels away.
            shown = (corners.max(1) >= 0).all(1) & (corners.min(1) <= fine).all(1)
            for corner in corners[shown].reshape(-1, 6).tolist():
                draw.polygon(corner, fill=255)
        yield np.repeat(np.array(matte.resize(size, Image.Resampling.BOX))[..., None], 3, axis=2)
