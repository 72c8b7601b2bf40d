"""How near to somebody's skin a picture's pixels are: where hair and cloth may be."""

from dataclasses import replace

import numpy as np

from isa_engine.controls.surfaces import pixels_a_metre, see, surface_of
from isa_engine.geometry.surface import vertex_normals
from isa_engine.shot import Shot

# Pixels that a step of the fall is wide, in the fewest and the most steps: wider ones are seen as rings about
# whoever is close to the camera.
_STEP, _FEWEST, _MOST = 3, 2, 12


def nearness(shot: Shot, frame: int, size: tuple[int, int], reach: float) -> np.ndarray:
    """1 on the skin of whoever a frame shows and to a third of ``reach`` metres from it, where cloth lies,
    falling to 0 at ``reach``, ``(height, width)``.

    Args:
        size: width and height in pixels.
    """
    skin = surface_of(shot, frame)
    body = see(skin, shot.mvp[frame], size).depth
    near = np.zeros(size[::-1], np.float32)
    normals = vertex_normals(skin.points, skin.triangles)
    closest = pixels_a_metre(shot, frame, size) / body.min()
    for grown, share in _layers(reach, reach * closest):
        wider = replace(skin, points=skin.points + grown * normals)
        near[np.isfinite(see(wider, shot.mvp[frame], size).depth)] = share
    near[np.isfinite(body)] = 1
    return near


def _layers(reach: float, pixels: float) -> list[tuple[float, float]]:
    """The steps in which nearness falls: how far from the skin each reaches in metres, and its share, the
    farthest first.

    Args:
        pixels: as many as ``reach`` is in the picture, where somebody is closest to the camera.
    """
    whole, fall = reach / 3, 2 * reach / 3
    count = int(np.clip(np.ceil(2 / 3 * pixels / _STEP), _FEWEST, _MOST))
    return [(whole + fall * step / count, 1 - step / (count + 1)) for step in range(count, -1, -1)]
