"""Tracked people as motions, and the camera that saw them; numpy only, since Blender imports it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isa_engine.body import BodyModel, Motion
from isa_engine.body.model.rotation import interpolate
from isa_engine.data.footage.track_formats import read_tracks
from isa_engine.data.footage.tracks import BAD_TRACK, on_body, placed, seen_through, shared_lens
from isa_engine.data.recordings.unfit import Unfit


@dataclass(frozen=True)
class Person:
    """One tracked person, as a motion.

    Attributes:
        motion: from the first frame in which the person was seen to the last, without gaps.
        first: that first frame, counted from the video's.
        missing: how many frames between were filled in.
    """

    motion: Motion
    first: int
    missing: int


@dataclass(frozen=True)
class TrackedPeople:
    """Everybody whom a tracker followed through a video, and the camera that they stand before.

    Attributes:
        people: in SMPL-X's axes; before a level camera at the origin that looks along −z, or in a world.
        focal, principal: ``(2,)`` pixels, of that camera; None in a world.
    """

    people: list[Person]
    focal: np.ndarray | None
    principal: np.ndarray | None


def tracked_people(
    path: Path, tracker: str, size: tuple[int, int], fps: float, body: BodyModel, is_smplx: bool
) -> TrackedPeople:
    """Read what a tracker has written.

    Args:
        path: with a tracker, its file or folder; else the folder that has it under its usual name.
        tracker: of ``TRACKERS``, or empty.
        size: ``(height, width)`` of the video in pixels; what the trackers' cameras are guessed from.
        fps: of the video.
        body: that will play them.
        is_smplx: whether it has SMPL-X's shape space.

    Raises:
        Unfit: there is no track, it is broken, or a pickle, which is never read.
    """
    _, tracks = read_tracks(path, size, None, fps, tracker)
    if not tracks:
        raise Unfit(BAD_TRACK, "nobody is in it")
    in_camera = tracks[0].lens is not None
    focal, principal = shared_lens(tracks) if in_camera else (None, None)
    people = []
    for track in tracks:
        track, betas = on_body(track, body, is_smplx)
        pelvis = seen_through(track, focal, principal) if in_camera else track.pelvis
        rotations, translation = placed(track.rotations, pelvis, in_camera, body.joints(betas)[0])
        first, count = int(track.frames[0]), int(track.frames[-1] - track.frames[0]) + 1
        rotations, translation = _whole(track.frames - first, rotations, translation, count)
        motion = Motion(track.person, fps, rotations, translation, betas if is_smplx else np.zeros(0))
        people.append(Person(motion, first, count - len(track.frames)))
    return TrackedPeople(people, focal, principal)


def _whole(
    frames: np.ndarray, rotations: np.ndarray, translation: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Every frame, those that nobody saw filled in between their neighbours."""
    wanted = np.arange(count)
    before = np.searchsorted(frames, wanted, side="right") - 1
    after = np.minimum(before + 1, len(frames) - 1)
    span = np.maximum(frames[after] - frames[before], 1)
    fraction = ((wanted - frames[before]) / span)[:, None]
    turned = interpolate(rotations[before], rotations[after], fraction)
    moved = translation[before] + (translation[after] - translation[before]) * fraction
    return turned.astype(np.float32), moved.astype(np.float32)
