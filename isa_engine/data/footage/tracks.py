"""Tracks: one person through a video, as a body tracker estimated it, and the way from there to our world.

M observations. Trackers place a body in a camera's axes as OpenCV has them (x right, y down, z forward), or
in a Z-up world. Both say where the pelvis is; our translation is relative to our own body's rest pelvis.
"""

from dataclasses import dataclass, replace

import numpy as np

from isa_engine.body import BodyModel
from isa_engine.body.model.axes import TO_WORLD
from isa_engine.body.model.rotation import axis_angles, matrices
from isa_engine.geometry.ndc import from_pixels

# What is said of a file of tracks that cannot be read.
BAD_TRACK = "bad track"
REMEDY = "See docs/dataset.md for what the tracker's file must hold."
# The pelvis of the mean body at rest, metres: translations of SMPL and SMPL-X are relative to these.
REST_PELVIS = {
    "smplx": np.array([0.00312, -0.35141, 0.01204]),
    "smpl": np.array([-0.00180, -0.22333, 0.02822]),
}
# The first of the joints of fingers.
_FINGERS = 25
# Axes of OpenCV's cameras to SMPL-X's.
_FROM_CAMERA = np.diag([1.0, -1.0, -1.0])


@dataclass(frozen=True)
class Lens:
    """Where each observation is projected to: ``focal`` and ``principal``, both ``(M, 2)`` pixels."""

    focal: np.ndarray
    principal: np.ndarray


@dataclass(frozen=True)
class Track:
    """How one person moves, as a tracker saw it.

    Attributes:
        person: the tracker's name for somebody.
        frames: ``(M,)`` int64, rising, counted from the video's first.
        rotations: ``(M, 55, 3)`` axis-angle; the pelvis's is in the camera's or the world's axes.
        pelvis: ``(M, 3)`` metres, there.
        betas: ``(≤16,)`` in SMPL-X's shape space; empty where the tracker's is another.
        lens: None where the axes are a Z-up world's.
        relaxed: whether fingers are relative to the body's relaxed hand, not to the flat one.
    """

    person: str
    frames: np.ndarray
    rotations: np.ndarray
    pelvis: np.ndarray
    betas: np.ndarray
    lens: Lens | None
    relaxed: bool = False


def each_person(
    person: np.ndarray, number: np.ndarray, rotations: np.ndarray, pelvis: np.ndarray, lens: Lens
) -> list[Track]:
    """A track for each person, from R rows in any order, one for each person and frame.

    Args:
        person, number: ``(R,)`` whose each row is, and its frame.
        rotations, pelvis, lens: ``(R, …)``, as of ``Track``.
    """
    tracks = []
    for name in np.unique(person):
        rows = np.flatnonzero(person == name)
        rows = rows[np.argsort(number[rows], kind="stable")]
        own = Lens(lens.focal[rows], lens.principal[rows])
        tracks.append(Track(str(name), number[rows], rotations[rows], pelvis[rows], np.zeros(0), own))
    return tracks


def centred_lens(size: tuple[int, int], focal: float, count: int) -> Lens:
    """A lens of one focal length in pixels, centred in pictures ``(height, width)``, for so many rows."""
    return Lens(np.full((count, 2), focal), np.tile(np.array([size[1], size[0]]) / 2, (count, 1)))


def shared_lens(tracks: list[Track]) -> tuple[np.ndarray, np.ndarray]:
    """One camera for all: the median ``focal`` and ``principal``, both ``(2,)`` pixels."""
    lenses = [track.lens for track in tracks]
    focal = np.median(np.concatenate([lens.focal for lens in lenses]), 0)
    return focal, np.median(np.concatenate([lens.principal for lens in lenses]), 0)


def seen_through(track: Track, focal: np.ndarray, principal: np.ndarray) -> np.ndarray:
    """The pelvis ``(M, 3)`` where a shared camera sees it as large and in the same place of the picture as
    the observation's own did; trackers that work on crops give every observation a camera of its own.
    """
    scale = (focal / track.lens.focal).mean(1)
    depth = track.pelvis[:, 2] * scale
    pixel = track.lens.focal * track.pelvis[:, :2] / track.pelvis[:, 2:] + track.lens.principal
    return np.concatenate([(pixel - principal) * depth[:, None] / focal, depth[:, None]], 1)


def placed(
    rotations: np.ndarray, pelvis: np.ndarray, in_camera: bool, rest_pelvis: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rotations ``(M, 55, 3)`` and translation ``(M, 3)`` in SMPL-X's axes, float32.

    Args:
        rest_pelvis: ``(3,)`` of the body that is posed.
    """
    turn = _FROM_CAMERA if in_camera else TO_WORLD.T
    turned = rotations.copy()
    turned[:, 0] = axis_angles(turn @ matrices(rotations[:, 0]))
    translation = pelvis @ turn.T - rest_pelvis
    return turned.astype(np.float32), translation.astype(np.float32)


def level_camera(frames: int) -> np.ndarray:
    """``(F, 4, 4)`` camera-to-world of the camera that tracks in its own axes are placed before."""
    camera_to_world = np.eye(4, dtype=np.float32)
    camera_to_world[:3, :3] = TO_WORLD
    return np.tile(camera_to_world, (frames, 1, 1))


def ndc_intrinsics(focal: np.ndarray, principal: np.ndarray, height: int, width: int) -> np.ndarray:
    """``(..., 2)`` pixels each to ``(..., 4)``, see ``geometry.camera``."""
    fx, fy = 2 * focal[..., 0] / width, 2 * focal[..., 1] / height
    shift = from_pixels(principal, (width, height))
    return np.concatenate([np.stack([fx, fy], -1), shift], -1).astype(np.float32)


def on_body(track: Track, body: BodyModel, is_smplx: bool) -> tuple[Track, np.ndarray]:
    """The track, its pelvis and fingers where this body's are, and the shape ``(B,)`` to pose the body with.

    Args:
        is_smplx: whether the body has SMPL-X's shape space; on another one its betas mean something else.
    """
    if track.relaxed and len(body.hands_mean):
        rotations = track.rotations.copy()
        rotations[:, _FINGERS:] += body.hands_mean
        track = replace(track, rotations=rotations, relaxed=False)
    betas = np.zeros(min(body.shapedirs.shape[-1], 16), np.float32)
    if not is_smplx or not len(track.betas):
        return track, betas
    count = min(len(track.betas), len(betas))
    betas[:count] = track.betas[:count]
    # The translation was relative to the rest pelvis of this shape, not of the mean one.
    return replace(track, pelvis=track.pelvis + body.joints(betas)[0] - REST_PELVIS["smplx"]), betas
