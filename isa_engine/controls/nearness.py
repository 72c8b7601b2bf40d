"""How near to somebody's skin a picture's pixels are: where hair and cloth may be."""

from dataclasses import replace

import numpy as np

from isa_engine.controls.surfaces import see, surface_of
from isa_engine.geometry.surface import vertex_normals
from isa_engine.shot import Shot

# Steps of the fall, each some five pixels wide at Full HD.
_LAYERS = 3


def nearness(shot: Shot, frame: int, size: tuple[int, int], reach: float) -> np.ndarray:
    """1 on the skin of whoever a frame shows and to a third of ``reach`` metres from it, where cloth lies,
    falling to 0 at ``reach``, ``(height, width)``.

    Args:
        size: width and height in pixels.
    """
    skin = surface_of(shot, frame)
    normals = vertex_normals(skin.points, skin.triangles)
    near = np.zeros(size[::-1], np.float32)
    for grown, share in [*layers(reach), (0.0, 1.0)]:
        wider = replace(skin, points=skin.points + grown * normals)
        near[np.isfinite(see(wider, shot.mvp[frame], size).depth)] = share
    return near


def layers(reach: float) -> list[tuple[float, float]]:
    """The steps in which nearness falls: how far from the skin each reaches in metres, and its share, the
    farthest first."""
    steps = range(_LAYERS, 0, -1)
    return [(reach * step / _LAYERS, 1 - (step - 1) / _LAYERS) for step in steps]
