"""The kinds of clips that are measured with: how many people, before what, seen by which camera."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from isa_engine.evaluation.held_out.default_camera import default_camera


@dataclass(frozen=True)
class Kind:
    """What a set of clips has in common.

    Attributes:
        name: as tables and pictures call it.
        characters: sizes of cast, in turn.
        set_kind: of ``data.rendering.sets.KINDS``; any if None. A flat one is a screen in a colour that
            nobody wears.
        camera: "any", "still", or "moving": its motion shows on the ground.
        view: from a number of frames F to a camera, ``(F, 4)`` and ``(F, 4, 4)`` (``geometry.camera``),
            before which the cast stands around the origin; None: the clip's own camera.
        hard: whether to keep the repeated reference's mean IoU at or below ``clips.EASIEST``.
    """

    name: str
    characters: tuple[int, ...]
    set_kind: str | None = None
    camera: str = "any"
    hard: bool = True
    view: Callable[[int], tuple[np.ndarray, np.ndarray]] | None = None


ONE = Kind("one person", (1,), "flat")
SEVERAL = Kind("two to four", (2, 3, 4), "flat")
GROUND = Kind("open ground", (1, 2), "open", "moving")
BLENDER = Kind("Blender's default camera", (1,), "flat", view=default_camera)
