"""From where a camera sees somebody: how tall in the picture, from how far above, through which lens."""

from dataclasses import dataclass

import numpy as np

# Metres: how tall the person is by whom a place's size in the picture is told.
PERSON = 1.7
# Millimetres across, as wide as film: what focal lengths are told for.
SENSOR = 36.0


@dataclass(frozen=True)
class Viewpoint:
    """How a camera sees a place, each ``(F,)``.

    Attributes:
        size: pixels that a person of ``PERSON`` metres, upright before a level camera, would be tall there.
        elevation: degrees by which the camera looks down on the place; from below they are negative.
        lens: focal length in millimetres, for a picture as wide as ``SENSOR``.
    """

    size: np.ndarray
    elevation: np.ndarray
    lens: np.ndarray


def viewpoint(
    intrinsics: np.ndarray, camera_to_world: np.ndarray, places: np.ndarray, height: int
) -> Viewpoint:
    """How a camera sees places in front of it.

    Args:
        intrinsics: ``(F, 4)``, and
        camera_to_world: ``(F, 4, 4)``, of ``geometry.camera``.
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
    """Millimetres ``(F,)``, for a picture as wide as ``SENSOR``."""
    return intrinsics[:, 0] * SENSOR / 2
