"""Sets: what stands behind the cast, as colours along camera rays. Three kinds: a flat screen, an open
ground under a sky, a room.
"""

import numpy as np
import torch
from torch import Tensor

from isa_engine.data.patterns import Pattern, random_colours

KINDS = ("flat", "open", "room")
_HORIZON = 30.0


class Set:
    """A random set; its ground is the plane z = 0."""

    def __init__(self, random: np.random.Generator, kind: str | None = None):
        self.kind = kind or str(random.choice(KINDS, p=[0.25, 0.4, 0.35]))
        self.screen = random_colours(random, 1)[0]
        self.ground = Pattern(random, (0.4, 2.5))
        self.walls = Pattern(random, (0.5, 4.0))
        self.sky = random_colours(random, 2) * 0.5 + 0.5 * np.array([[0.55, 0.7, 0.95], [0.9, 0.9, 0.92]])
        self.half_size = random.uniform([3.5, 3.5], [7, 7])
        self.height = random.uniform(2.6, 4.5)

    def shade(self, origin: Tensor, direction: Tensor) -> tuple[Tensor, Tensor]:
        """Colours along rays.

        Args:
            origin: ``(F, 3)`` camera places.
            direction: ``(F, H, W, 3)`` unit rays.

        Returns:
            Colours, and where each ray meets the ground (NaN if it does not), both ``(F, H, W, 3)``.
        """
        origin = origin[:, None, None]
        away = direction[..., 2].clamp(max=-1e-4)
        to_ground = torch.where(direction[..., 2] < -1e-4, -origin[..., 2] / away, torch.inf)
        if self.kind == "flat":
            flat = torch.as_tensor(self.screen, dtype=direction.dtype, device=direction.device)
            return flat.expand_as(direction).clone(), torch.full_like(direction, torch.nan)
        if self.kind == "open":
            meets = to_ground < _HORIZON
            place = origin + direction * torch.where(meets, to_ground, 0.0)[..., None]
            haze = (to_ground.clamp(max=_HORIZON) / _HORIZON)[..., None] ** 2
            low, high = (
                torch.as_tensor(c, dtype=direction.dtype, device=direction.device) for c in self.sky[::-1]
            )
            sky = torch.lerp(low, high, direction[..., 2:].clamp(0, 1).sqrt())
            colour = torch.where(meets[..., None], torch.lerp(self.ground(place), sky, haze), sky)
        else:
            half = torch.as_tensor(self.half_size, dtype=direction.dtype, device=direction.device)
            # From inside a box, a ray leaves through the nearest of the planes ahead.
            ahead = torch.where(direction[..., :2] > 0, half, -half)
            step = direction[..., :2]
            to_wall = (
                ((ahead - origin[..., :2]) / torch.where(step.abs() < 1e-6, 1e-6, step)).clamp_min(0).amin(-1)
            )
            rising = direction[..., 2].clamp_min(1e-4)
            to_ceiling = torch.where(
                direction[..., 2] > 1e-4, (self.height - origin[..., 2]) / rising, torch.inf
            )
            distance = torch.minimum(torch.minimum(to_wall, to_ceiling), to_ground)
            meets = to_ground <= distance
            place = origin + direction * distance[..., None]
            walls = torch.where(
                (to_ceiling <= distance)[..., None], 0.9 * torch.ones_like(place), self.walls(place)
            )
            colour = torch.where(meets[..., None], self.ground(place), walls * 0.9)
        return colour.clamp(0, 1), torch.where(meets[..., None], place, torch.nan)
