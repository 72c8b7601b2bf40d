"""Normal maps: posed surfaces as pictures, for conditioning in 2D (Table 4, Fig. 14).

Shots and training clips both have surface points, so these are what is drawn: each is a disc on the skin,
large enough to overlap its neighbours', and a pixel shows the nearest disc that its ray meets. Runs on any
device.
"""

import torch
from torch import Tensor

from isa_engine.geometry.camera import NEAR
from isa_engine.geometry.depth_keys import EMPTY, depth_key, index_of
from isa_engine.geometry.ndc import to_pixels

# A disc reaches to the third nearest point, so that discs overlap everywhere.
_NEIGHBOUR = 3
# Pairs of a disc and a pixel computed at once, so that memory does not grow with the number of discs.
_AT_ONCE = 2**22


def normal_maps(
    points: Tensor, normals: Tensor, intrinsics: Tensor, camera_to_world: Tensor, height: int, width: int
) -> Tensor:
    """Surfaces as a camera sees them.

    Args:
        points, normals: ``(F, K, N, 3)`` world, metres; normals have unit length, or are zero where a point
            is not to be drawn.
        intrinsics, camera_to_world: ``(F, 4)``, ``(F, 4, 4)``, ``geometry.camera``.
        height, width: of the pictures, pixels.

    Returns:
        ``(F, 3, height, width)`` float32: unit normals in the camera's axes (x right, y up, z towards it),
        zero where nobody is.
    """
    if not points.shape[1]:
        return torch.zeros(len(points), 3, height, width, device=points.device)
    turn, place = camera_to_world[:, None, :3, :3], camera_to_world[:, None, None, :3, 3]
    # To the camera's axes while still in double precision: far from the world's origin single precision is
    # too coarse for points on a skin.
    centres = ((points.to(turn) - place) @ turn).flatten(1, 2).float()
    normals = (normals.to(turn) @ turn).flatten(1, 2).float()
    radii = _radii(centres[0].unflatten(0, points.shape[1:3])).flatten()
    reach = _reach(centres, radii, intrinsics.float(), height, width)
    frames = max(1, _AT_ONCE // (len(radii) * (2 * reach + 1) ** 2))
    parts = [
        _draw(c, n, radii, i, height, width, reach)
        for c, n, i in zip(*(x.split(frames) for x in (centres, normals, intrinsics.float())), strict=True)
    ]
    return torch.cat(parts)


def point_normals(points: Tensor, triangles: Tensor) -> Tensor:
    """Unit normals of points, from the triangles at each, weighted by area, as ``surface.vertex_normals`` of
    a mesh; a point without triangles takes the normal of the nearest point that has some.

    Args:
        points: ``(F, N, 3)``.
        triangles: ``(M, 3)`` int64, wound outwards.

    Returns:
        ``(F, N, 3)``; zero if there are no triangles.
    """
    a, b, c = points[:, triangles].unbind(2)
    areas = torch.linalg.cross(b - a, c - a)
    normals = torch.zeros_like(points)
    for corner in range(3):
        normals.index_add_(1, triangles[:, corner], areas)
    joined = torch.zeros(points.shape[1], dtype=torch.bool, device=points.device)
    joined[triangles.flatten()] = True
    distance = torch.cdist(points[0], points[0]).masked_fill(~joined, torch.inf)
    return torch.nn.functional.normalize(normals[:, distance.argmin(1)], dim=-1)


def _radii(points: Tensor) -> Tensor:
    """Radii of the discs around points: ``(K, N, 3)`` to ``(K, N)`` metres."""
    rank = min(_NEIGHBOUR + 1, points.shape[1])
    return torch.cdist(points, points).topk(rank, largest=False).values[..., -1]


def _reach(centres: Tensor, radii: Tensor, intrinsics: Tensor, height: int, width: int) -> int:
    """How far in pixels the rim of any disc in the picture can be from its centre."""
    depth = -centres[..., 2]
    # The disc lies within a ball of its radius. A ball away from the picture's middle projects to an ellipse;
    # this bounds its longer half axis.
    angle = radii * centres.norm(dim=-1) / (depth * torch.maximum(depth - radii, depth / 2))
    size = intrinsics.new_tensor([width / 2, height / 2])
    pixels = angle * (intrinsics[:, None, :2] * size).amax(-1)
    away = _projected(centres, depth, intrinsics).abs() * size - pixels[..., None]
    in_picture = (depth > NEAR) & (away <= size).all(-1)
    return min(max(height, width), 1 + int(torch.where(in_picture, pixels, 0).amax()))


def _projected(centres: Tensor, depth: Tensor, intrinsics: Tensor) -> Tensor:
    """x and y of NDC: ``(F, P, 2)``; ``depth`` is ``(F, P)``."""
    return intrinsics[:, None, :2] * centres[..., :2] / depth[..., None] + intrinsics[:, None, 2:]


def _draw(
    centres: Tensor, normals: Tensor, radii: Tensor, intrinsics: Tensor, height: int, width: int, reach: int
) -> Tensor:
    """Discs ``(F, P, 3)`` to pictures ``(F, 3, height, width)``."""
    frames, discs, _ = centres.shape
    grid = torch.full((frames * height * width + 1,), EMPTY, dtype=torch.int64, device=centres.device)
    some = max(1, _AT_ONCE // (frames * (2 * reach + 1) ** 2))
    for first in range(0, discs, some):
        part = slice(first, first + some)
        cell, key = _meetings(
            centres[:, part], normals[:, part], radii[part], intrinsics, height, width, reach
        )
        grid.scatter_reduce_(0, cell.flatten(), (key + first).flatten(), "amin")
    grid = grid[:-1].view(frames, -1, 1)
    nearest = index_of(grid).clamp_min(0)
    shown = normals.gather(1, nearest.expand(-1, -1, 3)) * (grid != EMPTY)
    return shown.mT.unflatten(-1, (height, width))


def _meetings(
    centres: Tensor, normals: Tensor, radii: Tensor, intrinsics: Tensor, height: int, width: int, reach: int
) -> tuple[Tensor, Tensor]:
    """Where the rays through a square of pixels around each disc meet it.

    Returns:
        two of ``(F, P, pixels)``: the pixel's index among those of all frames, or one past the last where its
        ray misses the disc; and the key of depth and disc (``depth_keys``).
    """
    f, c = intrinsics[:, None, None, :2], intrinsics[:, None, None, 2:]
    up = centres.new_tensor([1.0, -1.0])
    size = centres.new_tensor([width, height])
    in_front = centres[..., 2] < -NEAR
    place = _projected(centres, torch.where(in_front, -centres[..., 2], 1.0), intrinsics)
    side = torch.arange(-reach, reach + 1, device=centres.device)
    square = torch.stack(torch.meshgrid(side, side, indexing="xy"), -1).flatten(0, 1)
    pixel = to_pixels(place, (width, height)).floor()[:, :, None] + square
    inside = ((pixel >= 0) & (pixel < size)).all(-1) & in_front[..., None]

    # The ray through each pixel's centre, one unit deep, and the disc's plane.
    sight = ((2 * (pixel + 0.5) / size - 1) * up - c) / f
    rays = torch.cat([sight, -torch.ones_like(sight[..., :1])], -1)
    facing = (rays * normals[:, :, None]).sum(-1)
    depth = (centres * normals).sum(-1)[..., None] / facing
    offset = (depth[..., None] * rays - centres[:, :, None]).square().sum(-1)
    hit = inside & (facing < 0) & (depth > NEAR) & (offset <= radii[:, None] ** 2)

    frame = torch.arange(len(centres), device=centres.device)[:, None, None] * (height * width)
    nowhere = len(centres) * height * width
    cell = torch.where(hit, frame + (pixel[..., 1] * width + pixel[..., 0]).long(), nowhere)
    index = torch.arange(len(radii), device=centres.device)[:, None]
    return cell, depth_key(torch.where(hit, depth, 0), index)
