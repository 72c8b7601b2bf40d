"""Sets: what stands behind the cast, as colours along camera rays. Three kinds: a flat screen, an open
ground under a sky, a room.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from isa_engine.data.surfaces.patterns import Pattern, random_colours

KINDS = ("flat", "open", "room")
_HORIZON = 30.0
# A ray that meets nothing ends here, metres.
_FAR = 100.0


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

    def shade(self, origin: Tensor, direction: Tensor, pixel: Tensor) -> tuple[Tensor, Tensor]:
        """Colours along rays, each averaged over about the pixel that it is the centre of.

        Args:
            origin: ``(F, 3)`` camera places.
            direction: ``(F, H, W, 3)`` unit rays.
            pixel: ``(F,)`` a pixel's size over its distance.

        Returns:
            Colours, and where each ray meets the ground (NaN if it does not), both ``(F, H, W, 3)``.
        """
        if self.kind == "flat":
            flat = torch.as_tensor(self.screen, dtype=direction.dtype, device=direction.device)
            return flat.expand_as(direction), torch.full_like(direction, torch.nan)
        origin, pixel = origin[:, None, None], pixel[:, None, None]
        down = -direction[..., 2]
        # Nearness is one over distance: of a plane it is linear across the picture, so that where two planes
        # meet, its difference over its slope is what each covers of a pixel.
        near_ground = down / origin[..., 2]
        to_ground = 1 / near_ground.clamp_min(1 / _FAR)
        ground = origin + direction * to_ground[..., None]
        # A pixel is long where the ray grazes the ground: take its sides' mean.
        on_ground = pixel * to_ground / down.clamp_min(1e-3).sqrt()
        if self.kind == "open":
            haze = (to_ground.clamp(max=_HORIZON) / _HORIZON) ** 2
            meets = to_ground < _HORIZON
            colour = _mixed(
                lambda here: self.of_ground(ground[here], on_ground[here]),
                lambda here: self.of_sky(direction[here]),
                haze,
            )
        else:
            half = torch.as_tensor(self.half_size, dtype=direction.dtype, device=direction.device)
            # From inside a box, a ray leaves through the nearest of the planes ahead.
            step = direction[..., :2]
            ahead = torch.where(step > 0, half, -half)
            near_wall = (step / (ahead - origin[..., :2])).amax(-1)
            near_ceiling = -down / (self.height - origin[..., 2]).clamp_min(0.01)
            to_wall = 1 / near_wall.clamp_min(1 / _FAR)
            on_wall, ceiling = origin + direction * to_wall[..., None], _covered(near_ceiling - near_wall)
            covered = _covered(near_ground - near_wall)
            meets = covered > 0

            def walls(here: Tensor) -> Tensor:
                colours = self.of_walls(on_wall[here], (pixel * to_wall)[here])
                return torch.lerp(colours, torch.full_like(colours, 0.9), ceiling[here][..., None]) * 0.9

            colour = _mixed(walls, lambda here: self.of_ground(ground[here], on_ground[here]), covered)
        return colour.clamp(0, 1), torch.where(meets[..., None], ground, torch.nan)

    def of_ground(self, place: Tensor, blur: Tensor) -> Tensor:
        """Colours ``(..., 3)`` of places on it, softened over so many metres."""
        return self.ground(place, blur)

    def of_walls(self, place: Tensor, blur: Tensor) -> Tensor:
        """Colours ``(..., 3)`` of places on them, softened over so many metres."""
        return self.walls(place, blur)

    def of_sky(self, direction: Tensor) -> Tensor:
        """Colours along unit rays, both ``(..., 3)``."""
        low, high = (direction.new_tensor(colour) for colour in self.sky[::-1])
        return torch.lerp(low, high, direction[..., 2:].clamp(0, 1).sqrt())


def _mixed(first: Callable[[Tensor], Tensor], second: Callable[[Tensor], Tensor], share: Tensor) -> Tensor:
    """So much of the second in the first ``(F, H, W, 3)``, each asked only for pixels that show it."""
    mixed = torch.empty(*share.shape, 3, dtype=share.dtype, device=share.device)
    of_first, of_second = share < 1, share > 0
    mixed[of_first] = first(of_first)
    under = torch.where(of_first[..., None], mixed, 0.0)[of_second]
    mixed[of_second] = torch.lerp(under, second(of_second), share[of_second][..., None])
    return mixed


def _covered(level: Tensor) -> Tensor:
    """How much of each pixel of ``(F, H, W)`` lies where a level, linear about its edge, is positive."""
    slope = sum(torch.gradient(level, dim=axis)[0].abs() for axis in (1, 2) if level.shape[axis] > 1)
    return (0.5 + level / (slope + 1e-9)).clamp(0, 1)
