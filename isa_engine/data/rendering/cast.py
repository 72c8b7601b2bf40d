"""The cast of a shot: who acts, and the surfaces of everybody as samples in the world.

F frames, S samples of everybody, P of them as they are drawn.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from isa_engine.data.rendering.figures import Drawing
from isa_engine.data.surfaces.looks import Look
from isa_engine.data.surfaces.skinned import SkinnedSurface

# The fewest and the most samples of a figure; between these, one for each pixel that its skin could fill.
SAMPLES = (4096, 65536)
_SKIN = 2.0  # square metres
# Samples that stand for a whole figure where shadows are computed.
_STAND_INS = 8192


@dataclass(frozen=True)
class Actor:
    """One character of a clip.

    Attributes:
        betas: shape.
        look: what it wears.
        motion: name of its motion.
        rotations, translation: ``(F, 55, 3)``, ``(F, 3)``, SMPL-X axes.
        points, normals: ``(F, N, 3)`` its surface points there, world.
        expression: ``(F, E)`` of its face; at rest if None.
    """

    betas: Tensor
    look: Look
    motion: str
    rotations: Tensor
    translation: Tensor
    points: Tensor
    normals: Tensor
    expression: Tensor | None = None

    def at(self, moments: list[int]) -> "Actor":
        """In some of its frames alone."""
        moving = {
            name: value[moments]
            for name in ("rotations", "translation", "points", "normals", "expression")
            if (value := getattr(self, name)) is not None
        }
        return replace(self, **moving)


class BodyCast:
    """People whose clothes lie on their skin, as evenly spread samples: as many of each as there are pixels
    that its skin could fill, were all of it where the nearest point of the cast is.

    Args:
        skin: samples that every prefix of spreads evenly.
        camera: intrinsics ``(F, 4)`` and camera-to-world ``(F, 4, 4)``.
        height: of the picture that they are drawn on.

    Attributes:
        points: ``(F, S, 3)``, world.
        owner: ``(S,)`` which actor each sample belongs to.
        turned_away: ``(F, S)`` bool, on the far side of somebody.
        in_sight: None: all of them may be drawn.
        stand_ins: ``(F, T, 3)`` some of them that stand for everybody in shadows.
    """

    in_sight = None

    def __init__(
        self, skin: SkinnedSurface, actors: list[Actor], camera: tuple[np.ndarray, np.ndarray], height: int
    ):
        self.skin, self.actors = skin, actors
        device = skin.template.device
        origin = torch.as_tensor(camera[1][:, None, :3, 3], dtype=torch.float32, device=device)
        self.samples = self._samples(camera[0], origin, height)
        patch = skin.patch[: self.samples]
        posed = [
            skin.pose(
                actor.betas, actor.rotations, actor.translation, actor.look.thickness(patch), self.samples
            )
            for actor in actors
        ]
        self.points, self.normals = (torch.cat(parts, 1) for parts in zip(*posed, strict=True))
        self.stand_ins = torch.cat([points[:, :_STAND_INS] for points, _ in posed], 1)
        self.owner = torch.arange(len(actors), device=device).repeat_interleave(self.samples)
        x, y, z = (self.points - origin).unbind(-1)
        normal_x, normal_y, normal_z = self.normals.unbind(-1)
        self.turned_away = x * normal_x + y * normal_y + z * normal_z > 0

    def surfaces(self, drawing: Drawing) -> tuple[Tensor, Tensor]:
        """What each fine pixel shows: its colour unlit and its unit normal, both ``(P, 3)``. A sample is
        dressed once however often it is shown."""
        seen = torch.zeros(len(self.owner), dtype=torch.bool, device=self.owner.device)
        seen[drawing.shown] = True
        colour = torch.empty(len(seen), 3, device=seen.device)
        for number, actor in enumerate(self.actors):
            own = slice(number * self.samples, (number + 1) * self.samples)
            index = seen[own].nonzero()[:, 0]
            colour[own][index] = actor.look.colour(self.skin.patch[index])
        return colour[drawing.shown], self.normals[drawing.frame, drawing.shown]

    def _samples(self, intrinsics: np.ndarray, origin: Tensor, height: int) -> int:
        distance = torch.stack([(actor.points - origin).norm(dim=-1).amin(1) for actor in self.actors]).amin(
            0
        )
        pixels_a_metre = (intrinsics[:, 1] * height / 2 / distance.cpu().numpy().clip(0.3)).max()
        return min(int(np.clip(_SKIN * pixels_a_metre**2, *SAMPLES)), len(self.skin.template))
