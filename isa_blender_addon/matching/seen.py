"""What of a ghost its picture shows, and how far that is from the marks."""

import numpy as np

from isa_engine.geometry.camera import modelview_projection
from isa_engine.geometry.ndc import project, to_pixels

from ..scene.camera import camera_to_world, intrinsics
from ..scene.picture import picture_size
from ..scene.timeline import view_layer
from .marks import error
from .pose import keypoint_places


def picture_intrinsics(scene, member) -> np.ndarray:
    """Of the ghost's camera onto the whole picture, ``(4,)`` (``isa_engine.geometry.camera``)."""
    return np.array(intrinsics(_evaluated(scene, member.ghost_camera), scene, picture_size(member.picture)))


def picture_matrix(scene, member) -> np.ndarray:
    """World to the picture's NDC, ``(4, 4)``."""
    camera = _evaluated(scene, member.ghost_camera)
    return modelview_projection(picture_intrinsics(scene, member), camera_to_world(camera))


def ghost_places(scene, member) -> np.ndarray:
    """Where the ghost's keypoints are in its picture: ``(17, 2)`` in [0, 1], y down, NaN where not known."""
    return to_picture(keypoint_places(_evaluated(scene, member.ghost)), picture_matrix(scene, member))


def match_error(scene, member) -> float | None:
    """Pixels between the marks and the ghost's joints; None where none of these is marked."""
    return error_and_size(scene, member)[0]


def error_and_size(scene, member) -> tuple[float | None, float]:
    """``match_error``, and the pixels from end to end of the ghost's known joints in the picture, along its
    longer side: asked together, for joints are found at each redraw."""
    size = picture_size(member.picture)
    places = ghost_places(scene, member) * size
    known = places[~np.isnan(places).any(1)]
    return error(member.marks * size, places), float(np.ptp(known, axis=0).max()) if len(known) else 0.0


def to_picture(points: np.ndarray, mvp: np.ndarray) -> np.ndarray:
    """World points ``(N, 3)`` to places in a picture, ``(N, 2)`` in [0, 1] with y down."""
    ndc, _ = project(points, mvp)
    return to_pixels(ndc, (1, 1))


def _evaluated(scene, item):
    return item.evaluated_get(view_layer(scene).depsgraph)
