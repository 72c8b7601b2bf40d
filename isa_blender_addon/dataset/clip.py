"""One seed, one clip folder (the package's docstring says what is in it)."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np

from isa_engine.body import BodyModel, Motion, open_body
from isa_engine.data.recordings.recording import fingerprint
from isa_engine.data.scenario.split import Split

from ..rigs.rig import apply_motion
from .person import Person, random_person
from .rendering import as_mask, expose, picture, prepare, without
from .sets import Stage
from .staging import Staging, random_staging

FORMAT = "isa-rendered 1"
FPS = 24.0


@dataclass(frozen=True)
class Wishes:
    """What every clip of a run has in common.

    Attributes:
        frames: of each clip.
        size: width and height.
        samples: a pixel.
        split: what to draw from.
    """

    frames: int
    size: tuple[int, int]
    samples: int
    split: Split


def render_clip(folder: Path, seed: int, wishes: Wishes, report: Callable[[int, int], None]) -> None:
    """Render the clip of a seed; the folder appears when it is whole.

    Args:
        report: called with pictures done and wanted after each one; raises ``Cancelled`` to stop.

    Raises:
        OSError: the folder cannot be written.
    """
    random = np.random.default_rng([wishes.split.stream, seed])
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene, body = bpy.context.scene, open_body()
    prepare(scene, wishes.size, wishes.samples, FPS, seed)
    count = int(random.choice([1, 2, 3, 4], p=[0.5, 0.28, 0.14, 0.08]))
    people = [random_person(random, body, wishes.split, number + 1) for number in range(count)]
    # One picture that shows the whole cast, or a picture of each.
    together = count > 1 and random.random() < 0.5
    groups = [people] if together else [[person] for person in people]

    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    done, wanted = 0, 3 * wishes.frames + len(groups)

    def shoot(name: str, staging: Staging, frame: int) -> None:
        nonlocal done
        picture(scene, staging, frame, partial / name)
        done += 1
        report(done, wanted)

    staging = _staged(random, body, people, wishes, wishes.frames)
    stage = Stage(random, staging)
    expose(scene, staging)
    for frame in range(wishes.frames):
        shoot(f"video/{frame:04}.png", staging, frame)
    with without(people):
        for frame in range(wishes.frames):
            shoot(f"background/{frame:04}.png", staging, frame)
    with as_mask(scene):
        for frame in range(wishes.frames):
            shoot(f"mask/{frame:04}.png", staging, frame)
    stage.strike()

    others = []
    for number, group in enumerate(groups):
        with without([person for person in people if person not in group]):
            other = _staged(random, body, group, wishes, 1)
            elsewhere = Stage(random, other)
            expose(scene, other)
            shoot(f"reference/{number}.png", other, 0)
            elsewhere.strike()
        others.append(other)

    picture_of = np.zeros(count, np.int64) if together else np.arange(count)
    np.savez_compressed(partial / "arrays.npz", **_arrays(people, staging, others, picture_of))
    description = {
        "format": FORMAT,
        "frames": wishes.frames,
        "width": wishes.size[0],
        "height": wishes.size[1],
        "fps": FPS,
        "references": len(groups),
        "body": fingerprint(body),
        "split": wishes.split.name,
        "source": {
            "kind": "cycles",
            "seed": seed,
            "samples": wishes.samples,
            "set": stage.kind,
            "takes": staging.motions,
            "reference_takes": [motion for other in others for motion in other.motions],
            "looks": [list(person.patterns) for person in people],
        },
    }
    (partial / "clip.json").write_text(json.dumps(description, indent=1), encoding="utf-8")
    partial.rename(folder)


def _arrays(
    people: list[Person], staging: Staging, others: list[Staging], picture_of: np.ndarray
) -> dict[str, np.ndarray]:
    """``arrays.npz`` of a clip.

    Args:
        staging: of the video.
        others: of the reference pictures.
        picture_of: ``(K,)``, which of these shows each of the people.
    """
    return {
        "betas": np.stack([person.betas for person in people]),
        "rotations": staging.rotations,
        "translation": staging.translation,
        "intrinsics": staging.intrinsics,
        "camera_to_world": staging.camera_to_world,
        "reference_of": picture_of,
        "reference_rotations": np.concatenate([other.rotations[0] for other in others]),
        "reference_translation": np.concatenate([other.translation[0] for other in others]),
        "reference_intrinsics": np.concatenate([other.intrinsics for other in others]),
        "reference_camera_to_world": np.concatenate([other.camera_to_world for other in others]),
    }


def _staged(random, body: BodyModel, people: list[Person], wishes: Wishes, frames: int) -> Staging:
    """Draw a staging, and put the rigs into its motion."""
    width, height = wishes.size
    shapes = [person.betas for person in people]
    staging = random_staging(random, body, shapes, wishes.split, frames, FPS, width / height)
    for k, person in enumerate(people):
        motion = Motion(
            "staged", FPS, staging.rotations[:, k], staging.translation[:, k], np.zeros(0, np.float32)
        )
        apply_motion(person.armature, motion, start_frame=0)
    return staging
