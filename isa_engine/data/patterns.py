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
        colours: ``(2, 3)`` linear values in [0, 1], random if None.
    """

    def __init__(
        self, random: np.random.Generator, size: tuple[float, float], colours: np.ndarray | None = None
    ):
        self.kind = str(random.choice(KINDS, p=[0.3, 0.2, 0.15, 0.15, 0.2]))
        self.colours = random_colours(random, 2) if colours is None else colours
        frame = np.linalg.qr(random.normal(size=(3, 3)))[0]
        self.frame = frame * (2 * np.pi / random.uniform(*size))
        self.waves = random.normal(size=(6, 3)) * (2 * np.pi / random.uniform(*size))
        self.phases = random.uniform(0, 2 * np.pi, 6)
        self.grain = random.uniform(0, 0.12)

    def __call__(self, place: Tensor) -> Tensor:
        """Colours ``(..., 3)`` at places ``(..., 3)``."""

        def like(array: np.ndarray) -> Tensor:
            return torch.as_tensor(array, dtype=place.dtype, device=place.device)

        u, v, w = torch.sin(place @ like(self.frame).T).unbind(-1)
        clouds = torch.sin(place @ like(self.waves).T + like(self.phases)).mean(-1)
        amount = {
            "plain": torch.zeros_like(u),
            "stripes": (u > 0).to(place.dtype),
            "checks": (u * v * w > 0).to(place.dtype),
            "dots": (u + v + w > 1.6).to(place.dtype),
            "blotches": (clouds > 0.1).to(place.dtype),
        }[self.kind]
        colours = like(self.colours)
        mixed = torch.lerp(colours[0], colours[1], amount[..., None])
        return mixed * (1 + self.grain * clouds[..., None])


def random_colours(random: np.random.Generator, count: int) -> np.ndarray:
    """``(count, 3)`` colours, from dark to vivid."""
    hue, saturation = random.random((count, 1)), random.beta(1.5, 1.5, (count, 1))
    value = random.uniform(0.08, 1.0, (count, 1))
    wheel = np.clip(np.abs((hue + np.array([0, 2, 1]) / 3) % 1 * 6 - 3) - 1, 0, 1)
    return value * (1 - saturation * (1 - wheel))
