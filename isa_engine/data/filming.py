"""The fast renderer: dressed surfaces splatted before a set, under one sun and the sky."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from isa_engine.data.figures import SUPERSAMPLING, Drawing, draw
from isa_engine.data.light import Light
from isa_engine.data.looks import Look
from isa_engine.data.sets import Set
from isa_engine.data.shadows import ground_shadow
from isa_engine.data.skinned import SkinnedSurface
from isa_engine.geometry.plucker import ray_directions

# The most and the fewest samples a figure has; between, one for each pixel that its skin could fill.
SAMPLES = (4096, 65536)
_SKIN = 2.0  # square metres
# Samples of a figure that cast its shadow.
_SHADOW_SAMPLES = 8192


@dataclass(frozen=True)
class Actor:
    """One character of a clip.

    Attributes:
        betas: shape.
        look: what it wears.
        take: name of its motion.
        rotations, translation: ``(F, 55, 3)``, ``(F, 3)``, SMPL-X axes.
        points, normals: ``(F, N, 3)`` its surface points there, world.
    """

    betas: Tensor
    look: Look
    take: str
    rotations: Tensor
    translation: Tensor
    points: Tensor
    normals: Tensor


def film(
    skin: SkinnedSurface,
    actors: list[Actor],
    stage: Set,
    light: Light,
    camera: tuple[np.ndarray, np.ndarray],
    height: int,
    width: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """Render a shot.

    Args:
        skin: dense samples that every prefix of spreads evenly, as the looks have them.
        camera: intrinsics ``(F, 4)`` and camera-to-world ``(F, 4, 4)``.

    Returns:
        Video and clean background, ``(3, F, H, W)`` in [−1, 1], and the mask ``(F, H, W)``.
    """
    device = skin.template.device
    intrinsics, camera_to_world = (torch.as_tensor(c, dtype=torch.float32, device=device) for c in camera)
    samples = _samples_wanted(actors, camera, height * SUPERSAMPLING)
    posed = [
        skin.pose(
            actor.betas,
            actor.rotations,
            actor.translation,
            actor.look.thickness(slice(samples)),
            samples,
        )
        for actor in actors
    ]
    points, normals = (torch.cat(parts, 1) for parts in zip(*posed, strict=True))
    direction = ray_directions(intrinsics, camera_to_world, height, width)
    clean, ground = stage.shade(camera_to_world[:, :3, 3], direction, 2 / (intrinsics[:, 0] * width))
    clean = (clean * clean.new_tensor(light.tint)).clamp(0, 1)
    casting = torch.cat([points[:, :_SHADOW_SAMPLES] for points, _ in posed], 1)
    shadow = ground_shadow(casting, light.sun, light.softness, ground)
    picture = clean * (1 - clean.new_tensor(light.shadow) * shadow[..., None])

    drawing = draw(points, normals, camera, height, width)
    owner = torch.arange(len(actors), device=device).repeat_interleave(samples)
    colour = _colours(drawing, actors, samples)
    lit = colour * light.on(normals[drawing.frame, drawing.shown])
    cast, covered = drawing.picture(lit.clamp(0, 1))
    window = drawing.window.of(picture)
    window.copy_(cast + window * (1 - covered))
    mask = torch.zeros(picture.shape[:3], dtype=torch.int64, device=device)
    numbers = (owner[drawing.shown] + 1).to(torch.uint8)
    drawing.window.of(mask).copy_(drawing.mask(numbers, covered[..., 0]))
    video, background = ((colours * 2 - 1).movedim(-1, 0) for colours in (picture, clean))
    return video.contiguous(), background.contiguous(), mask


def _samples_wanted(actors: list[Actor], camera: tuple[np.ndarray, np.ndarray], height: int) -> int:
    """One for each pixel that a figure's skin could fill, were all of it where its nearest point is."""
    intrinsics, camera_to_world = camera
    place = torch.as_tensor(
        camera_to_world[:, None, :3, 3], dtype=torch.float32, device=actors[0].points.device
    )
    distance = torch.stack([(actor.points - place).norm(dim=-1).amin(1) for actor in actors]).amin(0)
    pixels_a_metre = (intrinsics[:, 1] * height / 2 / distance.cpu().numpy().clip(0.3)).max()
    return int(np.clip(_SKIN * pixels_a_metre**2, *SAMPLES))


def _colours(drawing: Drawing, actors: list[Actor], samples: int) -> Tensor:
    """What each fine pixel shows unlit, ``(P, 3)``: a sample is dressed once however often it is shown."""
    seen = torch.zeros(len(actors) * samples, dtype=torch.bool, device=drawing.shown.device)
    seen[drawing.shown] = True
    table = torch.empty(len(seen), 3, device=seen.device)
    for number, actor in enumerate(actors):
        own = slice(number * samples, (number + 1) * samples)
        dressed = seen[own].nonzero()[:, 0]
        table[own][dressed] = actor.look.colour(dressed)
    return table[drawing.shown]
