"""Clips from shards, for training and evaluation: one seed, one clip."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from isa_engine.body import BodyModel, open_body
from isa_engine.data.clips.clip import Clip
from isa_engine.data.clips.cropping import crop_around
from isa_engine.data.recordings.recording import Recording, fingerprint
from isa_engine.data.recordings.stored import StoredRecording, find_recordings
from isa_engine.data.scenario.split import TRAINING
from isa_engine.data.surfaces.skinned import SkinnedSurface
from isa_engine.errors import DataError
from isa_engine.geometry.surface import POINTS, surface_table

_log = logging.getLogger(__name__)


class Shards:
    """``shards(seed, frames, height, width)`` → a clip: frames of a recording of the training split, cropped
    around the cast to the canvas's aspect, and resized.

    A recording that cannot be read is passed over, and its name kept with the reason in ``broken``. Which
    clip a seed gives does not depend on what was read before.

    Args:
        folder: of the shards.
        points: surface points a character.
        bodies: that the recordings may be posed on; the open body by default.

    Raises:
        DataError: there are no shards, or none of their recordings is for training.
    """

    def __init__(
        self,
        folder: Path,
        points: int,
        bodies: Sequence[BodyModel] = (),
        device: torch.device | str = "cpu",
    ):
        self.folder, self.points, self.device = folder, points, torch.device(device)
        self.bodies = {fingerprint(body): body for body in bodies or (open_body(),)}
        found, self.broken = find_recordings(folder)
        for name, reason in self.broken.items():
            _log.warning("%s is skipped: %s", name, reason)
        self.stored = [stored for stored in found if stored.description["split"] == TRAINING.name]
        self._surfaces: dict[str, SkinnedSurface] = {}
        self._triangles: dict[str, np.ndarray] = {}
        if not self.stored:
            remedy = f"{len(self.broken)} of them are broken; see 'isa-engine shards'." if self.broken else ""
            raise DataError(
                f"there are no recordings of the split '{TRAINING.name}'", where=str(folder), remedy=remedy
            )

    def __call__(self, seed: int, frames: int, height: int, width: int) -> Clip:
        """The clip of this seed.

        Raises:
            DataError: no recording is so long, or none of them can be read.
        """
        random = np.random.default_rng(seed)
        candidates = self._long_enough(frames)
        if not len(candidates):
            longest = max(self._lengths)
            problem = f"no recording has {frames} frames; the longest has {longest}"
            raise DataError(problem, where=str(self.folder), remedy="Ask for fewer.")
        while any(self.stored[i].name not in self.broken for i in candidates):
            stored = self.stored[candidates[random.integers(len(candidates))]]
            start = int(random.integers(stored.description["frames"] - frames + 1))
            if (recording := self.read(stored)) is not None:
                surface = self._surface(recording.body)
                clip = to_clip(recording, surface, slice(start, start + frames), height, width)
                return replace(clip, triangles=self._triangles.get(recording.body))
        raise DataError("every recording that is long enough is broken", where=str(self.folder))

    @cached_property
    def _lengths(self) -> np.ndarray:
        return np.array([stored.description["frames"] for stored in self.stored])

    def _long_enough(self, frames: int) -> np.ndarray:
        return np.flatnonzero(self._lengths >= frames)

    def read(self, stored: StoredRecording) -> Recording | None:
        """Decode a recording; None where it cannot be read: ``broken`` then says why."""
        if stored.name in self.broken:
            return None
        try:
            body = stored.description["body"]
            if body not in self.bodies:
                raise DataError(f"its body {body} is not at hand", remedy="Name its file with --body.")
            recording = stored.read()
            components = self.bodies[body].shapedirs.shape[-1]
            if recording.betas.shape[1] > components:
                raise DataError(f"the body has {components} shape components", where="betas")
            if recording.expression is not None:
                moving = self.bodies[body].exprdirs.shape[-1]
                if recording.expression.shape[2] > moving:
                    raise DataError(f"the body has {moving} expression components", where="expression")
            if recording.rotations.shape[2] != len(self.bodies[body].parents):
                raise DataError(f"the body has {len(self.bodies[body].parents)} joints", where="rotations")
            return recording
        except DataError as error:
            self.broken[stored.name] = str(error)
            _log.warning("%s is skipped: %s", stored.name, error)
            return None

    def _surface(self, body: str) -> SkinnedSurface:
        if body not in self._surfaces:
            model = self.bodies[body]
            table = surface_table(model.v_template, model.faces)
            if self.points == POINTS:
                self._triangles[body] = table.triangles
            self._surfaces[body] = SkinnedSurface(
                model, table.corners[: self.points], table.barycentric[: self.points], self.device
            )
        return self._surfaces[body]


def to_clip(recording: Recording, surface: SkinnedSurface, shown: slice, height: int, width: int) -> Clip:
    """What training sees of a recording.

    Args:
        surface: of the recording's body.
        shown: the frames wanted.
        height, width: of the canvas.
    """
    device = surface.template.device

    def tensor(array: np.ndarray) -> Tensor:
        return torch.as_tensor(array, device=device)

    betas = tensor(recording.betas)
    rotations, translation = tensor(recording.rotations[shown]), tensor(recording.translation[shown])

    def face(name: str, index: Any) -> Tensor | None:
        values = getattr(recording, name)
        return None if values is None else tensor(values[index])

    everybody = range(len(betas))
    posed = [
        surface.pose(betas[k], rotations[:, k], translation[:, k], expression=face("expression", (shown, k)))
        for k in everybody
    ]
    points, normals = (torch.stack(values, 1) for values in zip(*posed, strict=True))
    there = tensor(recording.reference_rotations), tensor(recording.reference_translation)
    reference_points = torch.cat(
        [
            surface.pose(
                betas[k],
                *(part[k : k + 1] for part in there),
                expression=face("reference_expression", slice(k, k + 1)),
            )[0]
            for k in everybody
        ]
    )

    intrinsics, camera_to_world = recording.intrinsics[shown], recording.camera_to_world[shown]
    crop = crop_around(
        points.flatten(1, 2), intrinsics, camera_to_world, recording.mask.shape[1:], height, width
    )
    reference_crops = [
        crop_around(
            reference_points[recording.reference_of == r].reshape(1, -1, 3),
            recording.reference_intrinsics[r : r + 1],
            recording.reference_camera_to_world[r : r + 1],
            recording.mask.shape[1:],
            height,
            width,
        )
        for r in range(len(recording.references))
    ]
    references = [
        cut.picture(tensor(picture)[None], height, width)[:, 0]
        for picture, cut in zip(recording.references, reference_crops, strict=True)
    ]
    reference_intrinsics = [
        cut.intrinsics(recording.reference_intrinsics[r]) for r, cut in enumerate(reference_crops)
    ]
    return Clip(
        video=crop.picture(tensor(recording.video[shown]), height, width),
        background=crop.picture(tensor(recording.background[shown]), height, width),
        mask=crop.numbers(tensor(recording.mask[shown]), height, width),
        points=points,
        normals=normals,
        intrinsics=tensor(crop.intrinsics(intrinsics)),
        camera_to_world=tensor(camera_to_world),
        references=torch.stack(references),
        reference_of=tensor(recording.reference_of),
        reference_points=reference_points,
        reference_intrinsics=tensor(np.stack(reference_intrinsics)),
        reference_camera_to_world=tensor(recording.reference_camera_to_world),
        fps=recording.fps,
        camera_known=recording.camera_known,
    )
