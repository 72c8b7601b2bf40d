"""How many metres a unit of a scene is. The model knows people of their natural size."""

from collections.abc import Iterable

import numpy as np

# Metres from corner to corner of the box about a person, from a child that crouches to a tall one in a leap.
SMALLEST, LARGEST = 0.4, 4.0


def unit_in_metres(scene, sizes: Iterable[float]) -> float:
    """By the scene's unit scale, except where people are of their natural size without it only.

    Files keep a unit scale for other programs' sake that nothing in them was modelled by.

    Args:
        sizes: of the cast (``size_of``), in the scene's units.
    """
    settings, sizes = scene.unit_settings, list(sizes)
    told = float(settings.scale_length) if settings.system != "NONE" else 1.0
    return 1.0 if _natural(sizes, 1.0) and not _natural(sizes, told) else told


def _natural(sizes: list[float], metres: float) -> bool:
    return all(natural(metres * size) for size in sizes)


def natural(size: float) -> bool:
    """Whether people measure so many metres from corner to corner."""
    return SMALLEST <= size <= LARGEST


def size_of(points: np.ndarray) -> float:
    """From corner to corner of the box about a person's points ``(N, 3)``, in their unit."""
    return float(np.linalg.norm(np.ptp(points.astype(np.float64), axis=0)))
