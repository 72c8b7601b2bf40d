"""The cast's normal maps, which a model that is conditioned in 2D has in place of points (Table 4)."""

import numpy as np
import torch
from torch import Tensor

from isa_engine.configuration import NORMAL_DETAIL
from isa_engine.dit.normal_maps import pack_normals
from isa_engine.geometry.frames import extended_count
from isa_engine.geometry.normal_maps import normal_maps, point_normals
from isa_engine.pipeline.isa.model import Model
from isa_engine.shot import Character, Shot


def conditioned_in_2d(model: Model) -> bool:
    return model.config.dit.conditioning == "controlnet-2d"


def packed_normal_maps(
    model: Model,
    points: Tensor,
    normals: Tensor,
    intrinsics: Tensor,
    camera_to_world: Tensor,
    canvas: tuple[int, int],
) -> Tensor:
    """
    Args:
        points, normals: ``(F, K, N, 3)`` world; F fills whole windows.
        intrinsics, camera_to_world: ``(F, 4)``, ``(F, 4, 4)``.
        canvas: width and height in pixels.

    Returns:
        ``(1, t, 48, h, w)`` on the points' device.
    """
    width, height = (NORMAL_DETAIL * side // model.config.vae.spatial_compression for side in canvas)
    return pack_normals(normal_maps(points, normals, intrinsics, camera_to_world, height, width))[None]


def shot_normal_maps(shot: Shot, cast: list[Character], model: Model) -> Tensor:
    """Of those of the shot's characters; the last frame is repeated until it fills its window."""
    frames = torch.arange(extended_count(shot.frames)).clamp_max(shot.frames - 1)
    count = model.config.dit.points

    def tensor(array: np.ndarray) -> Tensor:
        return torch.as_tensor(array)[frames].to(model.device)

    # Normals come from all points of the surface, though the model may draw only the first ones.
    whole = [tensor(character.points) for character in cast]
    turned = [
        point_normals(points, torch.as_tensor(character.triangles, device=model.device).long())
        for points, character in zip(whole, cast, strict=True)
    ]
    nobody = torch.zeros(len(frames), 0, count, 3, device=model.device)
    points, normals = (
        torch.stack([part[:, :count] for part in parts], 1) if cast else nobody for parts in (whole, turned)
    )
    cameras = tensor(shot.intrinsics), tensor(shot.camera_to_world)
    if cast:
        # Whoever is hidden is put where the camera is: discs that near are not drawn.
        shown = torch.stack([tensor(character.visible) for character in cast], 1)
        points = torch.where(shown[..., None, None], points, cameras[1][:, None, None, :3, 3].to(points))
    canvas = shot.settings.width, shot.settings.height
    return packed_normal_maps(model, points, normals, *cameras, canvas)
