"""From where a camera sees somebody: how tall in the picture, from how far above, through which lens."""

from dataclasses import dataclass

import numpy as np

# Sizes in the picture are those of a person who is so many metres tall.
PERSON = 1.7
# Focal lengths are those for a sensor of this width in millimetres, that of 35 mm film.
SENSOR = 36.0


@dataclass(frozen=True)
class Viewpoint:
    """How a camera sees a place on F frames, each ``(F,)``.

    Attributes:
        size: how many pixels tall a person of ``PERSON`` metres would be there, upright before a level
            camera.
        elevation: degrees by which the camera looks down on the place; negative if it looks up.
        lens: focal length in millimetres, for a sensor as wide as ``SENSOR``.
    """

    size: np.ndarray
    elevation: np.ndarray
    lens: np.ndarray


def viewpoint(
    intrinsics: np.ndarray, camera_to_world: np.ndarray, places: np.ndarray, height: int
) -> Viewpoint:
    """How a camera sees places in front of it.

    Args:
        intrinsics: ``(F, 4)``, ``geometry.camera``.
        camera_to_world: ``(F, 4, 4)``.
        places: ``(F, 3)``, world coordinates.
        height: of the picture, pixels.
    """
    there = camera_to_world[:, :3, 3] - places
    ahead = np.maximum((there * camera_to_world[:, :3, 2]).sum(1), 1e-6)
    distance = np.maximum(np.linalg.norm(there, axis=1), 1e-6)
    return Viewpoint(
        size=intrinsics[:, 1] * PERSON / ahead * height / 2,
        elevation=np.degrees(np.arcsin(there[:, 2] / distance)),
        lens=focal_length(intrinsics),
    )


def focal_length(intrinsics: np.ndarray) -> np.ndarray:
    """Focal lengths ``(F,)`` in millimetres, for a sensor as wide as ``SENSOR``, of intrinsics ``(F, 4)``."""
    return intrinsics[:, 0] * SENSOR / 2
