"""The pictures that steer a model, of cast and set as they stand now; needs no Blender."""

from collections.abc import Collection
from fractions import Fraction

import numpy as np

from isa_engine.controls import CONTROLS
from isa_engine.shot import Character, Settings, Shot

from .geometry import Body, View

# Opacity where a control shows something. Masks are of areas in which the rest is still to be seen.
_ALPHA = {"pose": 255, "depth": 255, "normals": 255, "mask": 110, "boxes": 70}
# From below: areas, surfaces, lines.
_ORDER = "boxes", "mask", "depth", "normals", "pose"


def control_picture(
    bodies: list[Body],
    view: View,
    size: tuple[int, int],
    names: Collection[str],
    set_depth: np.ndarray | None = None,
) -> np.ndarray:
    """Controls over one another, as the engine draws them, transparent where they are black.

    Depth has the scale of this frame, where a whole shot has one of its own.

    Args:
        size: width and height of the canvas.
        names: of ``isa_engine.controls.CONTROLS``.
        set_depth: ``(h, w)`` of a frame of ``Shot.background_depth``; None: the set's is not known.

    Returns:
        ``(height, width, 4)`` uint8, sRGB and straight alpha.
    """
    picture = np.zeros((size[1], size[0], 4), np.uint8)
    if not bodies:
        return picture
    shot = _one_frame(bodies, view, size, set_depth)
    for name in _ORDER:
        if name in names:
            (control,) = CONTROLS[name](shot, size)
            shown = control.any(-1)
            picture[shown, :3], picture[shown, 3] = control[shown], _ALPHA[name]
    return picture


def _one_frame(bodies: list[Body], view: View, size: tuple[int, int], set_depth: np.ndarray | None) -> Shot:
    characters = [
        Character(
            f"{number}",
            body.points[None],
            body.triangles,
            skeleton=None if np.isnan(body.joints).all() else body.joints[None],
        )
        for number, body in enumerate(bodies)
    ]
    return Shot(
        fps=Fraction(24),
        width=size[0],
        height=size[1],
        frame_numbers=np.zeros(1, np.int32),
        intrinsics=np.array([view.intrinsics], np.float64),
        camera_to_world=view.camera_to_world[None],
        characters=tuple(characters),
        settings=Settings(width=size[0], height=size[1]),
        background_depth=None if set_depth is None else set_depth[None],
    )
