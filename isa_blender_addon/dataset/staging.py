"""Who moves how under which camera: the numbers of a clip, before Blender is asked for anything."""

from dataclasses import dataclass

import numpy as np

from isa_engine.body import BodyModel, bundled_motion
from isa_engine.body.model.axes import to_world
from isa_engine.data.scenario.camera_paths import random_camera_path
from isa_engine.data.scenario.motions import random_motion, random_place
from isa_engine.data.scenario.split import Split

# Vertices that are looked at to know where somebody is; more tell nothing new.
_EVERY = 5


@dataclass(frozen=True)
class Staging:
    """F frames, K characters; float32.

    Attributes:
        motions: that the cast's were cut from.
        rotations, translation: ``(F, K, 55, 3)``, ``(F, K, 3)``, SMPL-X's axes.
        intrinsics, camera_to_world: ``(F, 4)``, ``(F, 4, 4)``, see ``isa_engine.geometry.camera``.
        centre: ``(2,)`` where the cast is on the ground, world.
        reach: metres around it that the cast moves in.
    """

    motions: tuple[str, ...]
    rotations: np.ndarray
    translation: np.ndarray
    intrinsics: np.ndarray
    camera_to_world: np.ndarray
    centre: np.ndarray
    reach: float


def random_staging(
    random: np.random.Generator,
    body: BodyModel,
    shapes: list[np.ndarray],
    split: Split,
    frames: int,
    fps: float,
    aspect: float,
) -> Staging:
    """Put people into motion on the ground, near enough to hide one another at times, and film them.

    Args:
        shapes: betas of each.
        aspect: width over height.
    """
    captured = tuple(bundled_motion(name) for name in split.motions)
    names, rotations, translation, places = [], [], [], []
    for slot, betas in enumerate(shapes):
        motion, turned, moved = random_motion(random, captured, split.procedural, frames, fps)
        moved = moved + random_place(random, slot, len(shapes))
        vertices, _ = body.pose(betas, (), turned, moved, slice(None, None, _EVERY))
        lowest = vertices[..., 1].min()
        names.append(motion)
        rotations.append(turned)
        translation.append(moved - [0, lowest, 0])
        places.append(to_world(vertices - np.float32([0, lowest, 0])))
    cast = np.concatenate(places, 1)
    centre = cast.mean((0, 1))
    radius = float(np.linalg.norm(cast - cast.mean(1, keepdims=True).mean(0), axis=-1).max().clip(0.5, 3.0))
    intrinsics, camera_to_world = random_camera_path(random, cast.mean(1), radius, frames, fps, aspect)
    return Staging(
        motions=tuple(names),
        rotations=np.stack(rotations, 1).astype(np.float32),
        translation=np.stack(translation, 1).astype(np.float32),
        intrinsics=intrinsics.astype(np.float32),
        camera_to_world=camera_to_world.astype(np.float32),
        centre=centre[:2],
        reach=float(np.linalg.norm(cast[..., :2] - centre[:2], axis=-1).max()),
    )
