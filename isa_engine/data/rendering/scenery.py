"""Sets with something in them: texture at several scales, clouds and a skyline, windows and doors, and blocks
that stand about and move against one another as the camera does.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from isa_engine.data.rendering.sets import Set
from isa_engine.data.surfaces.patterns import random_colours

# Blocks stand between so many metres from the cast.
_NEAREST_BLOCK, _FARTHEST_BLOCK = 3.5, 14.0


@dataclass(frozen=True)
class _Opening:
    """A door, a window or a picture in a wall.

    Attributes:
        axis, side: of the room: which of its two horizontal axes the wall stands across, and on which side.
        low, high: corners in the wall, metres along it and above the ground.
        colours: of frame and pane.
    """

    axis: int
    side: float
    low: tuple[float, float]
    high: tuple[float, float]
    colours: np.ndarray


@dataclass(frozen=True)
class _Block:
    """A box on the ground: a crate, a pillar, a house."""

    low: np.ndarray
    high: np.ndarray
    colour: np.ndarray


class _Waves:
    """Brightness that varies about zero over a period of so many metres, by so much."""

    def __init__(self, random: np.random.Generator, period: tuple[float, float], depth: tuple[float, float]):
        self.period, self.depth = random.uniform(*period), random.uniform(*depth)
        self.rates = random.normal(size=(4, 3)) * 2 * np.pi / self.period
        self.phases = random.uniform(0, 2 * np.pi, 4)

    def __call__(self, place: Tensor, blur: Tensor) -> Tensor:
        """``(...)`` at places ``(..., 3)``; what is smaller than a pixel is seen as its mean."""
        phases = place @ place.new_tensor(self.rates).T + place.new_tensor(self.phases)
        waves = torch.sin(phases + torch.sin(phases.roll(1, -1) * 0.37))
        return waves.mean(-1) * self.depth * (1 - 4 * blur / self.period).clamp(0, 1)


class Scenery(Set):
    """A random set for a camera that is known.

    Args:
        kind: of ``sets.KINDS``; random if None.
        camera_to_world: ``(F, 4, 4)``: a room has it inside, and no block stands between it and the cast.
        cast: ``(3,)`` metres, where that is.
    """

    def __init__(
        self, random: np.random.Generator, kind: str | None, camera_to_world: np.ndarray, cast: np.ndarray
    ):
        super().__init__(random, kind)
        for pattern in (self.ground, self.walls):
            pattern.colours = _natural(random, pattern.colours)
        # Waves of grain and of patches on the ground.
        self.fine = _Waves(random, (0.05, 0.3), (0.05, 0.25))
        self.broad = _Waves(random, (3.0, 12.0), (0.1, 0.5))
        place = camera_to_world[:, :3, 3]
        self.half_size = np.maximum(self.half_size, np.abs(place[:, :2]).max(0) + 0.7)
        self.height = max(self.height, place[:, 2].max() + 0.5)
        self.clouds, self.cloud_phases = random.normal(size=(7, 2)) * 2.2, random.uniform(0, 2 * np.pi, 7)
        self.cloudiness = random.uniform(-0.5, 0.8)
        # Hills or houses: waves of the skyline about the horizon, whole ones around it.
        self.skyline = random.integers(1, 40, 6), random.uniform(0, 2 * np.pi, 6)
        self.skyline_height = random.uniform(0.0, 0.16)
        self.built = random.random() < 0.5
        self.far = _natural(random, random_colours(random, 1))[0] * 0.6
        self.openings = [self._opening(random) for _ in range(random.integers(0, 6))]
        away = cast[:2] - place[:, :2].mean(0)
        drawn = [self._block(random, cast) for _ in range(random.integers(0, 4))]
        self.blocks = [
            block
            for block in drawn
            # Its nearest corner is farther than the cast.
            if min(
                (np.array([x, y]) - cast[:2]) @ away
                for x in (block.low[0], block.high[0])
                for y in (block.low[1], block.high[1])
            )
            > 1.5 * np.linalg.norm(away)
        ]

    def shade(self, origin: Tensor, direction: Tensor, pixel: Tensor) -> tuple[Tensor, Tensor]:
        """As ``Set.shade``; nothing of the ground is met behind a block."""
        colour, ground = super().shade(origin, direction, pixel)
        if self.kind == "flat":
            return colour, ground
        for block in self.blocks:
            low, high = (direction.new_tensor(corner) for corner in (block.low, block.high))
            inverse = 1 / torch.where(direction.abs() < 1e-6, 1e-6, direction)
            first, second = (low - origin[:, None, None]) * inverse, (high - origin[:, None, None]) * inverse
            entry, axis = torch.minimum(first, second).max(-1)
            exit_ = torch.maximum(first, second).amin(-1)
            # A ray that grazes a block by less than a pixel is covered in part. From inside, or behind the
            # camera, nothing is seen of it.
            wide = 2 * pixel[:, None, None] * entry.clamp_min(0.1)
            share = ((exit_ - entry) / wide).clamp(0, 1) * (entry > 0.1)
            if not (share > 0).any():
                continue
            # Each side takes the light in its own way.
            sides = direction.new_tensor([0.72, 0.9, 1.05])[axis][..., None]
            colour = torch.lerp(colour, direction.new_tensor(block.colour) * sides, share[..., None])
            ground = torch.where((share > 0)[..., None], torch.nan, ground)
        return colour.clamp(0, 1), ground

    def of_ground(self, place: Tensor, blur: Tensor) -> Tensor:
        """As ``Set.of_ground``, in patches and grain."""
        colour = super().of_ground(place, blur)
        return colour * (1 + self.broad(place, blur) + self.fine(place, blur))[..., None]

    def of_walls(self, place: Tensor, blur: Tensor) -> Tensor:
        """As ``Set.of_walls``, with skirting boards, doors and windows."""
        colour = super().of_walls(place, blur)
        half = place.new_tensor(self.half_size)
        on_side = place[..., :2].abs() / half
        across_x = on_side[..., 0] > on_side[..., 1]
        height = place[..., 2]
        # A skirting board, and the dark of corners.
        board = ((0.1 - height) / blur.clamp_min(1e-3)).clamp(0, 1)
        colour = colour * (1 - 0.55 * board)[..., None]
        colour = colour * (1 - 0.3 * (on_side.amin(-1) - 0.75).clamp_min(0) / 0.25)[..., None]
        for opening in self.openings:
            on_wall = across_x == (opening.axis == 0)
            on_wall &= (place[..., opening.axis] > 0) == (opening.side > 0)
            along = place[..., 1 - opening.axis]
            edge = torch.minimum(
                torch.minimum(along - opening.low[0], opening.high[0] - along),
                torch.minimum(height - opening.low[1], opening.high[1] - height),
            )
            frame, pane = (((edge - inset) / blur.clamp_min(1e-3) + 0.5).clamp(0, 1) for inset in (0.0, 0.07))
            stuff = place.new_tensor(opening.colours)
            shown = torch.lerp(stuff[0], stuff[1], pane[..., None])
            colour = torch.lerp(colour, shown, (frame * on_wall)[..., None])
        return colour

    def of_sky(self, direction: Tensor) -> Tensor:
        """As ``Set.of_sky``, with clouds and a skyline."""
        sky = super().of_sky(direction)
        up = direction[..., 2]
        # Clouds on a plane overhead, lost in haze towards the horizon.
        overhead = direction[..., :2] / up.clamp_min(0.08)[..., None]
        waves = overhead @ direction.new_tensor(self.clouds).T
        waves = waves + 0.8 * torch.sin(waves.roll(1, -1)) + direction.new_tensor(self.cloud_phases)
        waves = torch.sin(waves)
        cover = ((waves.mean(-1) * 2 + self.cloudiness) * 1.5).clamp(0, 0.85) * (up / 0.25).clamp(0, 1)
        sky = torch.lerp(sky, torch.full_like(sky, 0.95), cover[..., None])
        if self.skyline_height < 0.03:
            return sky
        azimuth = torch.atan2(direction[..., 1], direction[..., 0])
        rates, phases = self.skyline
        if self.built:
            azimuth = (azimuth * 30).floor() / 30
        swing = sum(torch.sin(azimuth * int(r) + p) for r, p in zip(rates, phases, strict=True)) / len(rates)
        height = self.skyline_height * (0.45 + 0.55 * swing)
        hills = ((height - up) / 0.01 + 0.5).clamp(0, 1) * 0.75
        return torch.lerp(sky, direction.new_tensor(self.far), hills[..., None])

    def _opening(self, random: np.random.Generator) -> _Opening:
        axis = int(random.integers(2))
        middle = random.uniform(-0.7, 0.7) * self.half_size[1 - axis]
        if random.random() < 0.35:  # a door
            wide, low, high = random.uniform(0.45, 0.7), 0.0, random.uniform(2.0, 2.4)
        else:
            wide, low = random.uniform(0.3, 1.2), random.uniform(0.8, 1.4)
            high = low + random.uniform(0.5, 1.6)
        frame, pane = _natural(random, random_colours(random, 2))
        if random.random() < 0.5:  # daylight
            pane = self.sky[0]
        side = random.choice([-1.0, 1.0])
        return _Opening(axis, side, (middle - wide, low), (middle + wide, high), np.stack([frame, pane]))

    def _block(self, random: np.random.Generator, cast: np.ndarray) -> _Block:
        far = self.kind == "open"
        bearing, reach = random.uniform(0, 2 * np.pi), random.uniform(_NEAREST_BLOCK, _FARTHEST_BLOCK)
        reach = reach if far else min(reach, float(self.half_size.min()) - 0.5)
        middle = cast[:2] + reach * np.array([np.cos(bearing), np.sin(bearing)])
        half, height = random.uniform(0.2, 1.6 if far else 0.8, 2), random.uniform(0.4, 5.0 if far else 2.2)
        low, high = np.append(middle - half, 0.0), np.append(middle + half, height)
        return _Block(low, high, _natural(random, random_colours(random, 1))[0])


def _natural(random: np.random.Generator, colours: np.ndarray) -> np.ndarray:
    """Most things are paler than paint: colours ``(N, 3)`` drawn towards one grey, the more the likelier."""
    grey = colours.mean(-1, keepdims=True) * np.array([1.04, 1.0, 0.94])
    return colours + (grey - colours) * random.beta(1.6, 1.0)
