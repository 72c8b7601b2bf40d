"""What the cast takes of the light around it: shadows along the sun, and occlusion of the sky nearby.

F frames, S samples of the cast's surfaces, which stand for all of it. Everything here is in [0, 1] and only
ever darkens.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from isa_engine.data.rendering.light import Light

# A shadow's map on the ground: cells of a decimetre, so coarse that few samples fill them.
_SHADOW_SIZE, _SHADOW_METRES = 128, 6.0
# The cast as the sun sees it, cells a side.
_DEPTH_SIZE = 96
# The air around the cast in cells of so many metres, at most so many a side; a surface looks so far ahead.
_VOXEL, _MOST_VOXELS, _REACH = 0.09, 64, 0.12
# How full a flat surface makes the air before itself, which darkens nothing, and how full it is where no
# light of the sky gets in.
_OWN, _FULL = 0.22, 0.6


class Shades:
    """What a light leaves of itself with a cast in it.

    Args:
        points: ``(F, S, 3)`` samples that stand for the cast.
    """

    def __init__(self, light: Light, points: Tensor):
        self.light, self.points = light, points
        self.sun_depth = SunDepth(self.points, light.sun) if light.cast else None
        self.occlusion = Occlusion(self.points) if light.occlusion else None

    def on_ground(self, ground: Tensor) -> Tensor:
        """Factors ``(F, H, W, 3)`` of a set's colours, where rays meet its ground at ``(F, H, W, 3)``, NaN
        where they do not."""
        shadow = ground_shadow(self.points, self.light.sun, self.light.softness, ground)
        left = 1 - ground.new_tensor(self.light.shadow) * shadow[..., None]
        if self.occlusion is not None:
            near = self.occlusion.holds(ground)
            frame = near.nonzero()[:, 0]
            up = ground.new_tensor([0.0, 0.0, 1.0]).expand(len(frame), 3)
            closed = self.occlusion.at(frame, ground[near], up)
            left[near] *= 1 - 0.5 * self.light.occlusion * closed[:, None]
        return left

    def on_figures(self, frame: Tensor, points: Tensor, normals: Tensor) -> Tensor:
        """Factors ``(P, 3)`` of colours of the cast's surfaces at ``(P, 3)`` in frames ``(P,)``, with unit
        normals ``(P, 3)``."""
        return self.light.on(
            normals,
            self.sun_depth.shadow(frame, points) if self.sun_depth else None,
            self.occlusion.at(frame, points, normals) if self.occlusion else None,
        )


def ground_shadow(points: Tensor, sun: Tensor, softness: int, ground: Tensor) -> Tensor:
    """How much of the sun the cast takes from each ground place: ``(F, H, W)``.

    Samples are thrown along the sun onto a map of the ground around the cast.

    Args:
        points: ``(F, S, 3)``.
        sun: ``(3,)`` unit vector towards it.
        softness: cells that the edge is blurred over, odd.
        ground: ``(F, H, W, 3)``, NaN where there is none.
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
    shadow = F.avg_pool2d(shadow, softness, 1, softness // 2)
    at = ((ground[..., :2] - centre) / _SHADOW_METRES).nan_to_num(nan=9.0)
    return F.grid_sample(shadow, at, align_corners=False)[:, 0]


class SunDepth:
    """How deep in the sun's light the cast stands: who is behind whom, seen from the sun.

    Args:
        points: ``(F, S, 3)``.
        sun: ``(3,)`` unit vector towards it.
    """

    def __init__(self, points: Tensor, sun: Tensor):
        side = torch.linalg.cross(sun, sun.new_tensor([0.0, 1.0, 0.0]))
        side = side / side.norm()
        self.axes = torch.stack([side, torch.linalg.cross(sun, side)])
        self.sun = sun
        across, height = points @ self.axes.T, points @ sun
        self.low = across.amin((0, 1)) - 0.05
        self.cell = float((across.amax((0, 1)) - self.low).amax() + 0.05) / _DEPTH_SIZE
        frames, cells = len(points), _DEPTH_SIZE**2
        place = self._cells(across)
        frame = torch.arange(frames, device=points.device)[:, None]
        index = frame * cells + place[..., 1] * _DEPTH_SIZE + place[..., 0]
        depth = torch.full((frames * cells,), -100.0, device=points.device)
        self.depth = depth.scatter_reduce_(0, index.flatten(), height.flatten(), "amax")

    def shadow(self, frame: Tensor, points: Tensor) -> Tensor:
        """``(P,)`` of places ``(P, 3)`` on the cast in frames ``(P,)``: the mean of four neighbours, soft."""
        across, height = (points @ self.axes.T - self.low) / self.cell, points @ self.sun
        # Lest a surface shades itself: within a cell it is as deep as that is wide, twice as deep where
        # steep.
        margin = height + 2.5 * self.cell + 0.02
        corner = (across - 0.5).floor()
        share = across - 0.5 - corner
        corner, base = corner.long(), frame * _DEPTH_SIZE**2
        shadow = torch.zeros_like(height)
        for right in (0, 1):
            for down in (0, 1):
                x = (corner[:, 0] + right).clamp(0, _DEPTH_SIZE - 1)
                y = (corner[:, 1] + down).clamp(0, _DEPTH_SIZE - 1)
                hidden = self.depth[base + y * _DEPTH_SIZE + x] > margin
                weight = (share[:, 0] if right else 1 - share[:, 0]) * (
                    share[:, 1] if down else 1 - share[:, 1]
                )
                shadow += hidden * weight
        return shadow

    def _cells(self, across: Tensor) -> Tensor:
        return ((across - self.low) / self.cell).long().clamp(0, _DEPTH_SIZE - 1)


class Occlusion:
    """How full the air near a surface is of the cast: limbs, one another, the ground under their feet.

    Args:
        points: ``(F, S, 3)``.
    """

    def __init__(self, points: Tensor):
        # Room around the cast, from below the ground.
        self.low = points.amin((0, 1)) - 0.4
        self.low[2] = -2 * _VOXEL
        size = points.amax((0, 1)) + 0.4 - self.low
        self.size = (size / _VOXEL).ceil().clamp(2, _MOST_VOXELS)
        counts = [int(side) for side in self.size]
        self.cell = size / self.size
        place = ((points - self.low) / self.cell).long()
        place = torch.minimum(place.clamp_min(0), self.size.long() - 1)
        x, y, z = place.unbind(-1)
        frame = torch.arange(len(points), device=points.device)[:, None]
        index = ((frame * counts[2] + z) * counts[1] + y) * counts[0] + x
        full = torch.zeros(len(points) * counts[0] * counts[1] * counts[2], device=points.device)
        full[index.flatten()] = 1
        full = full.view(len(points), 1, counts[2], counts[1], counts[0])
        # Frames above one another: a margin of empty cells keeps them apart.
        self.full = F.avg_pool3d(full, 3, 1, 1).view(1, 1, -1, counts[1], counts[0])
        self.frames = len(points)

    def holds(self, points: Tensor) -> Tensor:
        """``(...)`` bool of places ``(..., 3)``: near the cast in some frame; NaN places are not."""
        high = self.low + self.cell * self.size
        return ((points > self.low) & (points < high)).all(-1)

    def at(self, frame: Tensor, points: Tensor, normals: Tensor) -> Tensor:
        """``(P,)`` of surfaces at ``(P, 3)`` in frames ``(P,)``, with unit normals ``(P, 3)``."""
        place = (points + normals * _REACH - self.low) / self.cell
        place = torch.minimum(place.clamp_min(0.5), self.size - 0.5)
        place = torch.cat([place[:, :2], place[:, 2:] + frame[:, None] * self.size[2]], 1)
        whole = torch.cat([self.size[:2], self.size[2:] * self.frames])
        grid = (place / whole * 2 - 1)[None, :, None, None]
        inside = F.grid_sample(self.full, grid, align_corners=False)[0, 0, :, 0, 0]
        return ((inside - _OWN) / (_FULL - _OWN)).clamp(0, 1)
