"""Light: one sun and the sky, and how they fall on surfaces."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Light:
    """Attributes:
    sun: ``(3,)`` unit vector towards it, world.
    direct: what it adds where it stands overhead.
    sky: what comes from above.
    bounce: what comes from below.
    tint: of the set, which its colours are multiplied with.
    shadow: share of the set's light that a full shadow takes.
    softness: cells that a shadow on the ground is blurred over, odd.
    """

    sun: Tensor
    direct: Colour = (0.6, 0.6, 0.6)
    sky: Colour = (0.45, 0.45, 0.45)
    bounce: Colour = (0.3, 0.3, 0.3)
    tint: Colour = (1.0, 1.0, 1.0)
    shadow: Colour = (0.55, 0.55, 0.55)
    softness: int = 3

    def on(self, normals: Tensor) -> Tensor:
        """Factors ``(..., 3)`` of the colours of surfaces with unit normals ``(..., 3)``."""
        sky, bounce, direct = (normals.new_tensor(c) for c in (self.sky, self.bounce, self.direct))
        around = torch.lerp(bounce, sky, (normals[..., 2:] + 1) / 2)
        return around + direct * (normals @ self.sun).clamp_min(0)[..., None]


def random_sun(random: np.random.Generator, device: torch.device) -> Tensor:
    """Unit vector towards the sun."""
    sun = np.array([random.normal(), random.normal(), random.uniform(0.8, 2.5)])
    return torch.as_tensor(sun / np.linalg.norm(sun), dtype=torch.float32, device=device)
