"""Light: one sun and the sky, what they leave in shadow, and how they fall on surfaces."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Light:
    """The light of a clip.

    Attributes:
        sun: ``(3,)`` unit vector towards it, world.
        direct: what it adds where it stands overhead.
        sky: what comes from above.
        bounce: what comes from below.
        tint: of the set, which its colours are multiplied with.
        shadow: share of the set's light that a full shadow takes.
        softness: cells that a shadow on the ground is blurred over, odd.
        cast: share of the sun's light that people take from themselves and one another.
        occlusion: share of the sky's light that bodies take from what is near them.
        rim: light from behind, and
        rim_from: ``(3,)`` unit vector towards it.
    """

    sun: Tensor
    direct: Colour = (0.6, 0.6, 0.6)
    sky: Colour = (0.45, 0.45, 0.45)
    bounce: Colour = (0.3, 0.3, 0.3)
    tint: Colour = (1.0, 1.0, 1.0)
    shadow: Colour = (0.55, 0.55, 0.55)
    softness: int = 3
    cast: float = 0.0
    occlusion: float = 0.0
    rim: Colour = (0.0, 0.0, 0.0)
    rim_from: Colour = (0.0, 1.0, 0.0)

    def on(self, normals: Tensor, shadow: Tensor | None = None, occlusion: Tensor | None = None) -> Tensor:
        """Factors ``(..., 3)`` of a surface's colours.

        Args:
            normals: ``(..., 3)`` unit.
            shadow: ``(...)`` how much of the sun is hidden, in [0, 1]; nothing if None.
            occlusion: ``(...)`` how much of the sky is; nothing if None.
        """
        sky, bounce, direct = (normals.new_tensor(c) for c in (self.sky, self.bounce, self.direct))
        upward = (normals[..., 2:] + 1) / 2
        around = torch.lerp(bounce, sky, upward)
        if occlusion is not None:
            around = around * (1 - self.occlusion * occlusion)[..., None]
        facing = (normals @ self.sun).clamp_min(0)
        if shadow is not None:
            facing = facing * (1 - self.cast * shadow)
        return around + direct * facing[..., None]

    def on_edges(self, normals: Tensor, towards_camera: Tensor) -> Tensor:
        """What the light from behind adds, ``(..., 3)``, where the surface turns away from the camera."""
        edge = (1 - (normals * towards_camera).sum(-1).clamp(0, 1)) ** 3
        facing = (normals @ normals.new_tensor(self.rim_from)).clamp_min(0)
        return normals.new_tensor(self.rim) * (edge * facing)[..., None]


def random_sun(random: np.random.Generator, device: torch.device) -> Tensor:
    """Unit vector towards the sun."""
    sun = np.array([random.normal(), random.normal(), random.uniform(0.8, 2.5)])
    return torch.as_tensor(sun / np.linalg.norm(sun), dtype=torch.float32, device=device)


def random_light(random: np.random.Generator, device: torch.device) -> Light:
    """From noon to a low sun, from a clear sky to an overcast one, and studio light from behind."""
    height = np.radians(random.uniform(18, 80))
    bearing = random.uniform(0, 2 * np.pi)
    sun = np.array([np.cos(height) * np.cos(bearing), np.cos(height) * np.sin(bearing), np.sin(height)])
    overcast = random.beta(0.8, 1.2)
    # A low sun is orange, a clear sky blue; neither in a studio.
    warmth = random.uniform(0, 1) * (1 - height / (np.pi / 2))
    warm = np.array([1.0, 1 - 0.3 * warmth, 1 - 0.6 * warmth])
    cold = np.array([1 - 0.25 * warmth, 1 - 0.08 * warmth, 1.0])
    exposure = random.uniform(0.9, 1.3)
    direct = exposure * warm * (0.25 + 0.6 * (1 - overcast))
    sky = exposure * cold * (0.46 + 0.3 * overcast)
    bounce = sky * random.uniform(0.45, 0.85)
    share = direct * sun[2] / (direct * sun[2] + sky)
    behind = bearing + np.pi + random.normal(0, 0.7)
    rim = warm[::-1] * random.uniform(0.2, 0.9) if random.random() < 0.4 else np.zeros(3)
    # Full shade is no darker than what the sky leaves there.
    tint = (direct * sun[2] + sky) / (0.6 * 0.8 + 0.45)
    return Light(
        sun=torch.as_tensor(sun, dtype=torch.float32, device=device),
        direct=tuple(direct),
        sky=tuple(sky),
        bounce=tuple(bounce),
        tint=tuple(np.clip(tint, 0.35, 1.1)),
        shadow=tuple(share),
        softness=int(random.choice([3, 5, 7])) if overcast < 0.6 else 11,
        cast=1.0,
        occlusion=random.uniform(0.5, 0.9),
        rim=tuple(rim),
        rim_from=(float(np.cos(behind) * 0.87), float(np.sin(behind) * 0.87), 0.5),
    )
