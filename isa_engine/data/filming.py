"""The fast renderer: dressed surfaces splatted before a set, under one sun and the sky.

Figures are drawn at twice the picture's size and averaged down. Sets soften their own edges, so they are
shaded once a pixel.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from isa_engine.data.looks import Look
from isa_engine.data.sets import Set
from isa_engine.data.skinned import SkinnedSurface
from isa_engine.data.splat import nearest_sample
from isa_engine.geometry.camera import modelview_projection
from isa_engine.geometry.ndc import project
from isa_engine.geometry.plucker import ray_directions

# The most and the fewest samples a figure has; between, one for each pixel that its skin could fill.
SAMPLES = (4096, 65536)
_SKIN = 2.0  # square metres
_SUPERSAMPLING = 2
# A shadow's map: cells of a decimetre, so coarse that few samples fill them.
_SHADOW_SIZE, _SHADOW_METRES, _SHADOW_SAMPLES = 128, 6.0, 8192


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
    sun: Tensor,
    camera: tuple[np.ndarray, np.ndarray],
    height: int,
    width: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """Render a shot.

    Args:
        skin: dense samples that every prefix of spreads evenly, as the looks have them.
        sun: ``(3,)`` unit vector towards it.
        camera: intrinsics ``(F, 4)`` and camera-to-world ``(F, 4, 4)``.

    Returns:
        Video and clean background, ``(3, F, H, W)`` in [−1, 1], and the mask ``(F, H, W)``.
    """
    device = skin.template.device
    intrinsics, camera_to_world = (torch.as_tensor(c, dtype=torch.float32, device=device) for c in camera)
    samples = _samples_wanted(actors, camera, height * _SUPERSAMPLING)
    posed = [
        skin.pose(actor.betas, actor.rotations, actor.translation, actor.look.thickness, samples)
        for actor in actors
    ]
    direction = ray_directions(intrinsics, camera_to_world, height, width)
    clean, ground = stage.shade(camera_to_world[:, :3, 3], direction, 2 / (intrinsics[:, 0] * width))
    shadow = _shadow(torch.cat([points[:, :_SHADOW_SAMPLES] for points, _ in posed], 1), sun, ground)
    cast, covered, mask = _figures(actors, posed, sun, camera, height, width)
    picture = cast + (clean * (1 - 0.55 * shadow)[..., None]) * (1 - covered)
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


def _figures(
    actors: list[Actor],
    posed: list[tuple[Tensor, Tensor]],
    sun: Tensor,
    camera: tuple[np.ndarray, np.ndarray],
    height: int,
    width: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """The cast on black ``(F, H, W, 3)`` in [0, 1], how much of each pixel it covers ``(F, H, W, 1)``, and
    whom each pixel shows ``(F, H, W)``, 0 for nobody."""
    points, normals = (torch.cat(parts, 1) for parts in zip(*posed, strict=True))
    frames, samples = len(points), points.shape[1] // len(actors)
    colour = torch.cat([actor.look.colour[:samples] for actor in actors])
    mvp = torch.as_tensor(modelview_projection(*camera), dtype=torch.float32, device=points.device)
    ndc, in_front = project(points, mvp)
    fine_height, fine_width = height * _SUPERSAMPLING, width * _SUPERSAMPLING
    pixels = torch.stack([(ndc[..., 0] + 1) * (fine_width / 2), (1 - ndc[..., 1]) * (fine_height / 2)], -1)
    origin = torch.as_tensor(camera[1][:, None, :3, 3], dtype=torch.float32, device=points.device)
    ray = points - origin
    depth, turned_away = ray.norm(dim=-1), (ray * normals).sum(-1) > 0
    index = nearest_sample(pixels, depth, in_front, turned_away, fine_height, fine_width)

    hit = _within(index >= 0)
    frame, row, column = hit.nonzero(as_tuple=True)
    shown = index[hit]
    light = _light(normals[frame, shown], sun)[:, None]
    fine = torch.zeros(frames, fine_height, fine_width, 4, device=points.device)
    fine[frame, row, column] = torch.cat([(colour[shown] * light).clamp(0, 1), torch.ones_like(light)], 1)
    cast = sum(_each_of_a_pixel(fine)) / _SUPERSAMPLING**2
    alpha = cast[..., 3]

    # A pixel shows somebody who covers its centre: more than half of it, or half in every other pixel.
    parity = torch.arange(height, device=points.device)[:, None] + torch.arange(width, device=points.device)
    shows = alpha + (0.25 - 0.5 * (parity % 2)) > 0.5
    owner = torch.zeros(hit.shape, dtype=torch.uint8, device=points.device)
    owner[frame, row, column] = (shown // samples + 1).to(torch.uint8)
    mask, *others = _each_of_a_pixel(owner)
    for other in others:
        mask = torch.where(mask > 0, mask, other)
    mask = (mask * shows).long()
    return cast[..., :3], cast[..., 3:], mask


def _each_of_a_pixel(fine: Tensor) -> list[Tensor]:
    """Pictures ``(F, 2H, 2W, ...)`` as those of each place in a pixel ``(F, H, W, ...)``."""
    places = np.ndindex(_SUPERSAMPLING, _SUPERSAMPLING)
    return [fine[:, y::_SUPERSAMPLING, x::_SUPERSAMPLING] for y, x in places]


def _within(covered: Tensor) -> Tensor:
    """``(F, H, W)`` bool without its rim: samples cover one pixel beyond the surface that they lie on."""
    inside = covered.clone()
    inside[:, 1:] &= covered[:, :-1]
    inside[:, :-1] &= covered[:, 1:]
    inside[..., 1:] &= covered[..., :-1]
    inside[..., :-1] &= covered[..., 1:]
    return inside


def _light(normals: Tensor, sun: Tensor) -> Tensor:
    """Sun and sky: factors ``(...)`` of unit normals ``(..., 3)``."""
    return 0.3 + 0.15 * (normals[..., 2] + 1) / 2 + 0.6 * (normals @ sun).clamp_min(0)


def _shadow(points: Tensor, sun: Tensor, ground: Tensor) -> Tensor:
    """How much of the sun the cast takes from each ground place: ``(F, H, W)`` in [0, 1].

    Samples are thrown along the sun onto a map of the ground around the cast.
    """
    frames, cells = len(points), _SHADOW_SIZE**2
    centre = points[..., :2].mean((0, 1))
    foot = points[..., :2] - sun[:2] / sun[2] * points[..., 2:]
    cell = (((foot - centre) / _SHADOW_METRES + 1) / 2 * _SHADOW_SIZE).floor().long()
    inside = ((cell >= 0) & (cell < _SHADOW_SIZE)).all(-1)
    frame = torch.arange(frames, device=points.device)[:, None]
    cell = torch.where(inside, frame * cells + cell[..., 1] * _SHADOW_SIZE + cell[..., 0], frames * cells)
    shadow = torch.zeros(frames * cells + 1, device=points.device)
    shadow[cell.flatten()] = 1
    shadow = shadow[:-1].view(frames, 1, _SHADOW_SIZE, _SHADOW_SIZE)
    shadow = F.avg_pool2d(shadow, 3, 1, 1)
    at = ((ground[..., :2] - centre) / _SHADOW_METRES).nan_to_num(nan=9.0)
    return F.grid_sample(shadow, at, align_corners=False)[:, 0]
