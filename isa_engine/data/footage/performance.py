"""Performance: everybody's tracks laid over the frames of footage, on one body before one camera."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isa_engine.body import BodyModel
from isa_engine.body.model.axes import to_world
from isa_engine.data.footage.footage import Footage
from isa_engine.data.footage.track_formats import read_tracks
from isa_engine.data.footage.tracks import (
    BAD_TRACK,
    level_camera,
    ndc_intrinsics,
    on_body,
    placed,
    seen_through,
    shared_lens,
)
from isa_engine.data.recordings.unfit import Unfit
from isa_engine.geometry.camera import modelview_projection
from isa_engine.geometry.ndc import project, to_pixels
from isa_engine.geometry.surface import SurfaceTable

CAMERA = "camera.json"
_MAX_JSON = 2**26


@dataclass(frozen=True)
class Performance:
    """F frames of the footage, K people over all of it.

    Attributes:
        tracker: whose files these are.
        names: K, the tracker's.
        present: ``(F, K)`` bool; what follows is zero where somebody is not.
        betas: ``(K, B)``.
        rotations, translation: ``(F, K, 55, 3)``, ``(F, K, 3)``, SMPL-X's axes, float32.
        intrinsics, camera_to_world: ``(F, 4)``, ``(F, 4, 4)``, float32.
        camera_known: false where the camera is its own world.
    """

    tracker: str
    names: list[str]
    present: np.ndarray
    betas: np.ndarray
    rotations: np.ndarray
    translation: np.ndarray
    intrinsics: np.ndarray
    camera_to_world: np.ndarray
    camera_known: bool


def perform(folder: Path, footage: Footage, body: BodyModel, is_smplx: bool) -> Performance:
    """Read the tracks of a video.

    Args:
        folder: beside the video, of its name.
        is_smplx: whether the body has SMPL-X's shape space.

    Raises:
        Unfit: there is no track that fits the video, or one in a world has no camera.
    """
    rate = footage.fps * footage.step
    tracker, tracks = read_tracks(folder, footage.source_size, footage.source_frames, rate)
    if not tracks:
        raise Unfit(BAD_TRACK, "nobody is in it")
    in_camera = tracks[0].lens is not None
    frames, (height, width) = len(footage.video), footage.source_size
    if in_camera:
        focal, principal = shared_lens(tracks)
        intrinsics = np.tile(ndc_intrinsics(focal, principal, height, width), (frames, 1))
        camera_to_world = level_camera(frames)
    else:
        intrinsics, camera_to_world = _camera(folder / CAMERA, footage)

    present = np.zeros((frames, len(tracks)), bool)
    rotations = np.zeros((frames, len(tracks), 55, 3), np.float32)
    translation = np.zeros((frames, len(tracks), 3), np.float32)
    shapes = []
    for k, track in enumerate(tracks):
        track, betas = on_body(track, body, is_smplx)
        pelvis = seen_through(track, focal, principal) if in_camera else track.pelvis
        turned, moved = placed(track.rotations, pelvis, in_camera, body.joints(betas)[0])
        kept = track.frames % footage.step == 0
        at = track.frames[kept] // footage.step
        present[at, k] = True
        rotations[at, k], translation[at, k] = turned[kept], moved[kept]
        shapes.append(betas)
    return Performance(
        tracker=tracker,
        names=[track.person for track in tracks],
        present=present,
        betas=np.stack(shapes),
        rotations=rotations,
        translation=translation,
        intrinsics=intrinsics,
        camera_to_world=camera_to_world,
        camera_known=not in_camera,
    )


def projected(
    performance: Performance,
    people: np.ndarray,
    frames: np.ndarray,
    body: BodyModel,
    table: SurfaceTable,
    size: tuple[int, int],
) -> np.ndarray:
    """Pixels ``(F, K, N, 2)`` of everybody's points; NaN behind the camera."""
    corners, owner = np.unique(table.corners, return_inverse=True)
    mvp = modelview_projection(performance.intrinsics[frames], performance.camera_to_world[frames])
    pixels = []
    for k in people:
        vertices, _ = body.pose(
            performance.betas[k],
            (),
            performance.rotations[frames, k],
            performance.translation[frames, k],
            corners,
        )
        points = np.einsum("fnck,nc->fnk", vertices[:, owner.reshape(table.corners.shape)], table.barycentric)
        world = to_world(points)
        ndc, in_front = project(world, mvp)
        ndc[~in_front] = np.nan
        pixels.append(to_pixels(ndc, size[::-1]))
    return np.stack(pixels, 1)


def _camera(path: Path, footage: Footage) -> tuple[np.ndarray, np.ndarray]:
    """``intrinsics`` (fx, fy, cx, cy in pixels) and ``world_to_camera`` (3 × 4 or 4 × 4, OpenCV's axes, from
    a Z-up world in metres): one of each, or one a frame."""
    try:
        if path.stat().st_size > _MAX_JSON:
            raise ValueError("it is too long")
        content = json.loads(path.read_bytes())
        lens = np.asarray(content["intrinsics"], np.float64).reshape(-1, 4)
        pose = np.asarray(content["world_to_camera"], np.float64)
        pose = pose.reshape(-1, *pose.shape[-2:])
        if pose.shape[1:] not in ((3, 4), (4, 4)) or not (
            np.isfinite(lens).all() and np.isfinite(pose).all()
        ):
            raise ValueError(f"found shape {pose.shape}")
        if {len(lens), len(pose)} - {1, footage.source_frames}:
            raise ValueError(f"{len(lens)} lenses and {len(pose)} poses for {footage.source_frames} frames")
        turn = pose[:, :3, :3]
        if lens[:, :2].min() <= 0 or not np.allclose(turn @ turn.swapaxes(1, 2), np.eye(3), atol=1e-3):
            raise ValueError("it is no rigid camera with a lens")
    except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        remedy = "See docs/dataset.md: tracks in a world need the camera that films it."
        raise Unfit("no camera", f"{path.name}: {error}", remedy=remedy) from error
    count, (height, width) = len(footage.video), footage.source_size
    lens = np.broadcast_to(lens, (footage.source_frames, 4))[:: footage.step][:count]
    intrinsics = ndc_intrinsics(lens[:, :2], lens[:, 2:], height, width)
    camera_to_world = np.tile(np.eye(4, dtype=np.float32), (count, 1, 1))
    turn = np.broadcast_to(pose[:, :3, :3], (footage.source_frames, 3, 3))[:: footage.step][:count]
    shift = np.broadcast_to(pose[:, :3, 3], (footage.source_frames, 3))[:: footage.step][:count]
    back = turn.swapaxes(1, 2)
    # OpenCV's camera looks along +z with y down.
    camera_to_world[:, :3, :3] = back * [1, -1, -1]
    camera_to_world[:, :3, 3] = -(back @ shift[..., None])[..., 0]
    return intrinsics, camera_to_world
