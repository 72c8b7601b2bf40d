"""Real video into recordings: shots without cuts, in which everybody is tracked, sharp and large enough.

A folder holds ``NAME.mp4`` and beside it ``NAME/`` with ``masks/`` and a tracker's files
(``docs/dataset.md``). The picture for reference is taken from another time of the same shot.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from isa_engine.body import BodyModel
from isa_engine.data.footage.clean_plate import clean_plate
from isa_engine.data.footage.footage import VIDEOS, Footage, read_footage
from isa_engine.data.footage.performance import Performance, perform, projected
from isa_engine.data.footage.reference import choose_reference
from isa_engine.data.footage.screening import (
    Limits,
    check_movement,
    check_picture,
    matched,
    on_mask,
    shots,
)
from isa_engine.data.recordings.recording import Recording, fingerprint
from isa_engine.data.recordings.report import Report
from isa_engine.data.recordings.unfit import Unfit
from isa_engine.data.scenario.split import HELD_OUT, TRAINING
from isa_engine.errors import DataError
from isa_engine.geometry.surface import SurfaceTable, surface_table

# Of a short shot this share is shown; a reference is taken from the rest.
_SHOWN = 2 / 3
# Pixels, below which a figure shows nothing.
_SMALLEST_SIDE = 16
# Points of each body that are projected onto its mask.
_PROBES = 256


@dataclass(frozen=True)
class Ingestion:
    """What is made of a folder of videos.

    Attributes:
        frames: longest clip.
        shortest: clips of fewer frames are skipped.
        short_side: pixels.
        held_out: share of the videos that training must not see.
        limits: of what is fit.

    Raises:
        DataError: a number makes no sense.
    """

    frames: int = 97
    shortest: int = 17
    short_side: int = 512
    held_out: float = 0.02
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self):
        if not 1 <= self.shortest <= self.frames:
            problem = f"clips of {self.shortest} to {self.frames} frames are none"
            raise DataError(problem, remedy="--shortest is at least 1, --frames at least as many.")
        if self.short_side < _SMALLEST_SIDE:
            problem = f"pictures of {self.short_side} pixels are too small"
            raise DataError(problem, remedy=f"--short-side is at least {_SMALLEST_SIDE}.")
        if not 0 <= self.held_out < 1:
            problem = f"{self.held_out:g} is no share of the videos"
            raise DataError(
                problem, remedy="--held-out is from 0 up to less than 1: 0.02 is two of a hundred."
            )


def find_videos(folder: Path) -> list[Path]:
    """The videos of a folder, in order."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in VIDEOS)


def recordings(
    videos: list[Path],
    body: BodyModel,
    is_smplx: bool,
    settings: Ingestion,
    report: Report,
    progress: Callable[[int, int], None] = lambda done, videos: None,
) -> Iterator[tuple[str, Recording]]:
    """Every clip that is fit, with its key; what is not is named in the report.

    Args:
        body: that the tracks are posed on.
        is_smplx: whether it has SMPL-X's shape space; the open body has its own.
        progress: called with the videos that are done and all of them; raises ``Cancelled`` to stop.
    """
    table = surface_table(body.v_template, body.faces, _PROBES)
    for done, video in enumerate(videos):
        report.inputs += 1
        try:
            footage = read_footage(video, settings.short_side)
            performance = perform(video.with_suffix(""), footage, body, is_smplx)
            for shown, shot in _spans(video.name, footage, performance, settings, report):
                try:
                    recording = _recording(video, footage, performance, shown, shot, body, table, settings)
                except Unfit as error:
                    report.skip(video.name, error, shown)
                    continue
                report.clips += 1
                report.seconds += len(shown) / footage.fps
                yield f"{_key(video)}-{shown.start:06d}", recording
        except Unfit as error:
            report.skip(video.name, error)
        progress(done + 1, len(videos))


def _key(video: Path) -> str:
    """A name that a shard can hold, and that no other video has."""
    plain = re.sub(r"[^\w-]", "_", video.stem, flags=re.ASCII)[:48]
    return f"{plain}-{hashlib.sha256(video.name.encode()).hexdigest()[:8]}"


def split_of(video: Path, share: float) -> str:
    """Which split a video is in; parts of one film (``NAME.1.mp4``, ``NAME.2.mp4``) are in one.

    Args:
        share: of the films that are held out.
    """
    film = video.name.partition(".")[0]
    drawn = int(hashlib.sha256(film.encode()).hexdigest()[:8], 16) / 2**32
    return HELD_OUT.name if drawn < share else TRAINING.name


def _spans(
    name: str, footage: Footage, performance: Performance, settings: Ingestion, report: Report
) -> Iterator[tuple[range, slice]]:
    """Frames to show, in which the same people are tracked, and the shot between cuts that they are of."""
    for shot in shots(footage.thumbnails, settings.limits):
        there = performance.present[shot]
        changes = np.flatnonzero((there[1:] != there[:-1]).any(1)) + 1
        for start, end in zip([0, *changes], [*changes, len(there)], strict=True):
            run = range(shot.start + int(start), shot.start + int(end))
            if not performance.present[run.start].any():
                report.skip(name, Unfit("nobody", "nobody is tracked here"), run)
                continue
            length = min(settings.frames, int(len(run) * _SHOWN))
            if length < settings.shortest:
                report.skip(name, Unfit("too short", f"{len(run)} frames between cuts and changes"), run)
                continue
            for first in range(run.start, run.stop - length + 1, length):
                yield range(first, first + length), shot


def _recording(
    video: Path,
    footage: Footage,
    performance: Performance,
    shown: range,
    shot: slice,
    body: BodyModel,
    table: SurfaceTable,
    settings: Ingestion,
) -> Recording:
    people = np.flatnonzero(performance.present[shown.start])
    part = slice(shown.start, shown.stop)
    # In the camera's own world depth is guessed from one picture and jitters: only jumps to the side and up
    # count there. Somebody who was mistaken for another makes those, too.
    axes = np.array([1, 1, float(performance.camera_known)])
    for k in people:
        check_movement(
            performance.rotations[part, k, 0],
            performance.translation[part, k] * axes,
            footage.fps,
            settings.limits,
        )

    def matched_mask(frames: np.ndarray) -> np.ndarray:
        pixels = projected(performance, people, frames, body, table, footage.mask.shape[1:])
        mask = footage.mask[frames]
        values = np.stack([on_mask(pixels[:, k], mask) for k in range(len(people))], 1)
        return matched(values, mask, settings.limits)

    mask = matched_mask(np.arange(shown.start, shown.stop))
    check_picture(footage.video[part], mask, len(people), settings.limits)
    reference = choose_reference(footage, performance, people, shown, shot, settings.limits)
    # The reference's mask is checked as the clip's own is.
    matched_mask(np.array([reference]))
    plate = clean_plate(footage.video[part], footage.mask[part])
    there = slice(reference, reference + 1)
    return Recording(
        video=footage.video[part],
        background=plate.pictures,
        mask=mask,
        fps=footage.fps,
        intrinsics=performance.intrinsics[part],
        camera_to_world=performance.camera_to_world[part],
        # That a camera stands still is known, even where the tracker's world is the camera's own.
        camera_known=performance.camera_known or plate.still,
        body=fingerprint(body),
        betas=performance.betas[people],
        rotations=performance.rotations[part][:, people],
        translation=performance.translation[part][:, people],
        references=footage.video[there],
        reference_of=np.zeros(len(people), np.int64),
        reference_rotations=performance.rotations[reference, people],
        reference_translation=performance.translation[reference, people],
        reference_intrinsics=performance.intrinsics[there],
        reference_camera_to_world=performance.camera_to_world[there],
        split=split_of(video, settings.held_out),
        source={
            "kind": "video",
            "video": video.name,
            "frames": [shown.start * footage.step, shown.stop * footage.step],
            "reference_frame": reference * footage.step,
            "tracker": performance.tracker,
            "people": [performance.names[k] for k in people],
            "background": "seen" if plate.from_others else "filled",
        },
    )
