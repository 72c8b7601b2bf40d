"""Procedural patterns: colours as functions of place, so that a texture sticks to what carries it."""

import numpy as np
import torch
from torch import Tensor

KINDS = ("plain", "stripes", "checks", "dots", "blotches")


class Pattern:
    """Two colours in a random arrangement over space, with slow variation of brightness.

    Args:
        random: draws everything that is chosen.
        size: metres of the pattern's period.
    """

    def __init__(self, random: np.random.Generator, size: tuple[float, float]):
        self.kind = str(random.choice(KINDS, p=[0.3, 0.2, 0.15, 0.15, 0.2]))
        self.colours = random_colours(random, 2)
        frame = np.linalg.qr(random.normal(size=(3, 3)))[0]
        rate, wave_rate = 2 * np.pi / random.uniform(*size), 2 * np.pi / random.uniform(*size)
        self.frame = frame * rate
        self.waves = random.normal(size=(6, 3)) * wave_rate
        # By how much a pattern's level rises a metre at its edges.
        self.slope = 0.5 * wave_rate if self.kind == "blotches" else rate
        self.phases = random.uniform(0, 2 * np.pi, 6)
        self.grain = random.uniform(0, 0.12)

    def __call__(self, place: Tensor, blur: Tensor | float = 0.0) -> Tensor:
        """Colours ``(..., 3)`` at places ``(..., 3)``.

        Args:
            blur: ``(...)`` metres over which an edge is softened: what one pixel sees.
        """

        def like(array: np.ndarray) -> Tensor:
            return torch.as_tensor(array, dtype=place.dtype, device=place.device)

        clouds = torch.sin(place @ like(self.waves).T + like(self.phases)).mean(-1)

        def above(level: Tensor) -> Tensor:
            """The share of a blurred place in which a level is positive that rises by ``slope`` a metre."""
            return (0.5 + level / torch.as_tensor(self.slope * blur).clamp_min(1e-6)).clamp(0, 1)

        if self.kind == "plain":
            amount = torch.zeros_like(clouds)
        elif self.kind == "blotches":
            amount = above(clouds - 0.1)
        else:
            u, v, w = torch.sin(place @ like(self.frame).T).unbind(-1)
            level = {"stripes": u, "checks": u * v * w, "dots": u + v + w - 1.6}[self.kind]
            amount = above(level)
        colours = like(self.colours)
        mixed = torch.lerp(colours[0], colours[1], amount[..., None])
        return mixed * (1 + self.grain * clouds[..., None])


def random_colours(random: np.random.Generator, count: int) -> np.ndarray:
    """``(count, 3)`` colours, from dark to vivid."""
    hue, saturation = random.random((count, 1)), random.beta(1.5, 1.5, (count, 1))
    value = random.uniform(0.08, 1.0, (count, 1))
    wheel = np.clip(np.abs((hue + np.array([0, 2, 1]) / 3) % 1 * 6 - 3) - 1, 0, 1)
    return value * (1 - saturation * (1 - wheel))
