"""Plücker rays: a camera as the line behind every pixel (Eq. 22)."""

import torch

from isa_engine.geometry.frames import windows
from isa_engine.geometry.ndc import latent_pixels


def ray_directions(
    intrinsics: torch.Tensor, camera_to_world: torch.Tensor, height: int, width: int
) -> torch.Tensor:
    """Unit directions ``(..., height, width, 3)`` through pixel centres; arguments as of ``plucker_rays``."""
    pixels = torch.as_tensor(latent_pixels(height, width)).to(intrinsics)
    fx, fy, cx, cy = (value[..., None, None] for value in intrinsics.unbind(-1))
    x, y = (pixels[..., 0] - cx) / fx, (pixels[..., 1] - cy) / fy
    in_view = torch.stack([x, y, -torch.ones_like(x)], -1)
    rotation = camera_to_world[..., :3, :3]
    return torch.nn.functional.normalize(in_view @ rotation.mT[..., None, :, :], dim=-1)


def plucker_rays(
    intrinsics: torch.Tensor, camera_to_world: torch.Tensor, height: int, width: int
) -> torch.Tensor:
    """The line through the centre of each pixel, from the camera outwards.

    Args:
        intrinsics: ``(..., 4)`` in NDC units, ``geometry.camera``.
        camera_to_world: ``(..., 4, 4)`` rigid; "world" is the canonical frame, ``geometry.canonical``.
        height, width: of the grid, in pixels or tokens.

    Returns:
        ``(..., 6, height, width)``: moment ``origin × direction`` in metres, then the unit direction.
    """
    direction = ray_directions(intrinsics, camera_to_world, height, width)
    origin = camera_to_world[..., :3, 3]
    moment = torch.linalg.cross(origin[..., None, None, :].expand_as(direction), direction)
    return torch.cat([moment, direction], -1).movedim(-1, -3)


def pack(rays: torch.Tensor) -> torch.Tensor:
    """Concatenate along channels the rays, or other pictures, of the four frames behind each latent (Eq. 22).

    Args:
        rays: ``(..., F, 6, h, w)``; F fills whole windows.

    Returns:
        ``(..., t, 24, h, w)``.
    """
    index = torch.as_tensor(windows(rays.shape[-4]), device=rays.device)
    latents, frames = index.shape
    gathered = rays.index_select(-4, index.flatten())
    return gathered.unflatten(-4, (latents, frames)).flatten(-4, -3)
