"""How near to somebody's skin a picture's pixels are: where hair and cloth may be."""

from dataclasses import replace

import numpy as np
from PIL import Image

from isa_engine.controls.surfaces import in_picture, pixels_a_metre, see, surface_of
from isa_engine.geometry.surface import vertex_normals
from isa_engine.shot import Shot

# About as many pixels has the reach where it is drawn: in a picture where it has more, somebody close to the
# camera, it is drawn in so much coarser a one and enlarged, since it is smooth, and the time goes by pixels.
_DRAWN = 8
# Pixels there that a step of the fall is wide at most, and the fewest steps: wider ones are seen as rings.
_STEP, _FEWEST = 1.5, 2


def nearness(shot: Shot, frame: int, size: tuple[int, int], reach: float) -> np.ndarray:
    """1 on the skin of whoever a frame shows and to a third of ``reach`` metres from it, where cloth lies,
    falling to 0 at ``reach``, ``(height, width)``.

    Args:
        size: width and height in pixels.
    """
    skin, mvp = surface_of(shot, frame), shot.mvp[frame]
    normals = vertex_normals(skin.points, skin.triangles)
    closest = in_picture(skin.points, mvp)[2].min(initial=np.inf)
    pixels = reach * pixels_a_metre(shot, frame, size) / closest
    coarser = max(round(pixels / _DRAWN), 1)
    drawn = -(-size[0] // coarser), -(-size[1] // coarser)
    near = np.zeros(drawn[::-1], np.float32)
    for grown, share in layers(reach, pixels / coarser):
        wider = replace(skin, points=skin.points + grown * normals)
        near[np.isfinite(see(wider, mvp, drawn).depth)] = share
    near = np.array(Image.fromarray(near).resize(size, Image.Resampling.BILINEAR))
    near[np.isfinite(see(skin, mvp, size).depth)] = 1
    return near


def layers(reach: float, pixels: float) -> list[tuple[float, float]]:
    """The steps in which nearness falls: how far from the skin each reaches in metres, and its share, the
    farthest first.

    Args:
        pixels: as many as ``reach`` is in the picture, where somebody is closest to the camera.
    """
    whole, fall = reach / 3, 2 * reach / 3
    count = max(int(np.ceil(2 / 3 * pixels / _STEP)), _FEWEST)
    return [(whole + fall * step / count, 1 - step / (count + 1)) for step in range(count, -1, -1)]
