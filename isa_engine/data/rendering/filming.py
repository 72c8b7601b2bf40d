"""The fast renderer: dressed surfaces splatted before a set, under one sun and the sky."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from isa_engine.data.rendering.cast import Actor, BodyCast
from isa_engine.data.rendering.dressed import DressedCast, DressedSurface
from isa_engine.data.rendering.figures import SUPERSAMPLING, draw
from isa_engine.data.rendering.light import Light
from isa_engine.data.rendering.sets import Set
from isa_engine.data.rendering.shadows import Shades
from isa_engine.data.surfaces.skinned import SkinnedSurface
from isa_engine.geometry.plucker import ray_directions


class Film(NamedTuple):
    """A rendered shot; pictures are ``(3, F, H, W)`` in [−1, 1].

    Attributes:
        video: the set with its cast.
        background: the set alone.
        shaded: the set with the shadows of the cast, and nobody in sight.
        mask: ``(F, H, W)`` int64: 0 the set, k the k-th of the cast.
    """

    video: Tensor
    background: Tensor
    shaded: Tensor
    mask: Tensor


def film(
    skin: SkinnedSurface | DressedSurface,
    actors: list[Actor],
    stage: Set,
    light: Light,
    camera: tuple[np.ndarray, np.ndarray],
    height: int,
    width: int,
) -> Film:
    """Render a shot.

    Args:
        skin: samples that every prefix of spreads evenly, or a dressed body, as the actors' looks are of.
        camera: intrinsics ``(F, 4)`` and camera-to-world ``(F, 4, 4)``.
    """
    device = skin.template.device
    intrinsics, camera_to_world = (torch.as_tensor(c, dtype=torch.float32, device=device) for c in camera)
    fine = height * SUPERSAMPLING, width * SUPERSAMPLING
    if isinstance(skin, DressedSurface):
        cast = DressedCast(skin, actors, camera, *fine)
    else:
        cast = BodyCast(skin, actors, camera, fine[0])
    shades = Shades(light, cast.stand_ins)

    direction = ray_directions(intrinsics, camera_to_world, height, width)
    clean, ground = stage.shade(camera_to_world[:, :3, 3], direction, 2 / (intrinsics[:, 0] * width))
    clean = (clean * clean.new_tensor(light.tint)).clamp(0, 1)
    shaded = clean * shades.on_ground(ground)
    picture = shaded.clone()

    drawing = draw(cast.points, cast.in_sight, cast.turned_away, camera, height, width)
    colour, normals = cast.surfaces(drawing)
    places = cast.points[drawing.frame, drawing.shown]
    lit = colour * shades.on_figures(drawing.frame, places, normals)
    lit = lit + light.on_edges(normals, drawing.towards_camera)
    figures, covered = drawing.picture(lit.clamp(0, 1))
    box = drawing.box.of(picture)
    box.copy_(figures + box * (1 - covered))
    mask = torch.zeros(picture.shape[:3], dtype=torch.int64, device=device)
    numbers = (cast.owner[drawing.shown] + 1).to(torch.uint8)
    drawing.box.of(mask).copy_(drawing.mask(numbers, covered[..., 0]))
    pictures = ((colours * 2 - 1).movedim(-1, 0).contiguous() for colours in (picture, clean, shaded))
    return Film(*pictures, mask)
