"""Camera: does the ground move under the camera as a ground under that camera would?

Every set stands on the plane z = 0, so the camera alone says where a place on the ground goes. Where it goes
in a video is found by matching blocks, around the places of a grid that no figure comes near.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from isa_engine.data.clip import Clip
from isa_engine.geometry.camera import modelview_projection
from isa_engine.geometry.frames import TEMPORAL_COMPRESSION
from isa_engine.geometry.ndc import project
from isa_engine.geometry.plucker import ray_directions

# Blocks are 2 · 5 + 1 pixels wide, a grid's step apart; motion is looked for within so many pixels.
_RADIUS, _STEP, _SEARCH = 5, 4, 9
# Ground further than this from the cast is haze, metres.
_REACH = 8.0
# What a pixel of motion must gain in squared colour difference: a block without texture seems to rest.
_INERTIA = 2e-4


def agreement(video: Tensor, clip: Clip) -> float | None:
    """Share of the ground's motion that the video shows.

    ``1 − Σ‖seen − implied‖ / Σ‖implied‖`` over blocks of ground and steps of a latent frame: 1 as the camera
    implies, 0 at rest, less for motion of another kind.

    Args:
        video: ``(3, F, H, W)``, of the clip's cast and camera.

    Returns:
        None where no ground is seen that moves by a pixel on average.
    """
    error = total = blocks = 0.0
    for start in range(0, video.shape[1] - TEMPORAL_COMPRESSION, TEMPORAL_COMPRESSION):
        end = start + TEMPORAL_COMPRESSION
        places, implied = ground_motion(clip, start, end)
        if len(places):
            seen = block_motion(video[:, start], video[:, end], places)
            error += torch.linalg.vector_norm(seen - implied, dim=1).sum().item()
            total += torch.linalg.vector_norm(implied, dim=1).sum().item()
            blocks += len(places)
    return 1 - error / total if total > blocks > 0 else None


def ground_motion(clip: Clip, start: int, end: int) -> tuple[Tensor, Tensor]:
    """Blocks of ground and where the camera moves them.

    Returns:
        Centres ``(n, 2)`` int64, x and y of pixels of frame ``start``, and their motion until frame ``end``
        in pixels, ``(n, 2)``; only those that stay in the picture, clear of figures, and within the search.
    """
    height, width = clip.video.shape[2:]
    device = clip.video.device
    margin = _RADIUS + _SEARCH
    rows, columns = (torch.arange(margin, side - margin, _STEP, device=device) for side in (height, width))
    places = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1).flatten(0, 1)
    x, y = places.unbind(-1)

    camera = clip.camera_to_world.double()
    rays = ray_directions(clip.intrinsics[start].double(), camera[start], height, width)[y, x]
    origin = camera[start, :3, 3]
    down = -rays[:, 2]
    ground = origin + rays * (origin[2] / down.clamp_min(1e-6))[:, None]
    centre = clip.points[start].reshape(-1, 3).mean(0)
    near = (down > 1e-3) & (torch.linalg.vector_norm((ground - centre)[:, :2], dim=1) < _REACH)

    mvp = modelview_projection(clip.intrinsics[end].cpu().numpy(), camera[end].cpu().numpy())
    ndc, in_front = project(ground, torch.as_tensor(mvp, device=device))
    arrives = torch.stack([(ndc[:, 0] + 1) * width / 2, (1 - ndc[:, 1]) * height / 2], -1) - 0.5
    motion = arrives - places
    kept = near & in_front & (motion.abs() < _SEARCH).all(1)

    blocked = F.max_pool2d((clip.mask[[start, end]] > 0).float(), 2 * _RADIUS + 1, 1, _RADIUS) > 0
    target = arrives.round().long().clamp_min(0)
    target = torch.minimum(target, torch.tensor([width - 1, height - 1], device=device))
    kept &= ~blocked[0, y, x] & ~blocked[1, target[:, 1], target[:, 0]]
    return places[kept], motion[kept].to(clip.video)


def block_motion(first: Tensor, second: Tensor, places: Tensor) -> Tensor:
    """Where blocks of one picture are in another, to a fraction of a pixel.

    Args:
        first, second: ``(3, H, W)``.
        places: ``(n, 2)`` int64 centres, x and y, further than block and search from the edges.

    Returns:
        ``(n, 2)`` pixels; zero where the block has no texture to tell by.
    """
    side = 2 * _SEARCH + 1
    x, y = places.unbind(-1)
    shifts = [(dx, dy) for dy in range(-_SEARCH, _SEARCH + 1) for dx in range(-_SEARCH, _SEARCH + 1)]
    costs = []
    for dx, dy in shifts:
        difference = (first - second.roll((-dy, -dx), (1, 2))).square().mean(0)
        blocks = F.avg_pool2d(difference[None], 2 * _RADIUS + 1, 1, _RADIUS)[0]
        costs.append(blocks[y, x] + _INERTIA * (dx * dx + dy * dy) ** 0.5)
    cost = torch.stack(costs, 1)
    best = cost.argmin(1)
    row, column = best // side, best % side
    cost = cost.view(-1, side, side)
    every = torch.arange(len(places), device=places.device)

    def fraction(below: Tensor, at: Tensor, above: Tensor, inside: Tensor) -> Tensor:
        """The lowest place of the parabola through three costs, from the middle one."""
        bend = (below + above - 2 * at).clamp_min(1e-12)
        return torch.where(inside, ((below - above) / (2 * bend)).clamp(-0.5, 0.5), 0)

    at = cost[every, row, column]
    # At rest nothing is refined: the inertia's cusp is there.
    moves = (row != _SEARCH) | (column != _SEARCH)
    left, right = (cost[every, row, (column + d).clamp(0, side - 1)] for d in (-1, 1))
    upper, lower = (cost[every, (row + d).clamp(0, side - 1), column] for d in (-1, 1))
    dx = fraction(left, at, right, moves & (column > 0) & (column < side - 1))
    dy = fraction(upper, at, lower, moves & (row > 0) & (row < side - 1))
    return torch.stack([column - _SEARCH + dx, row - _SEARCH + dy], 1)
