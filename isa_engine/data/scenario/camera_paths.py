"""Camera paths: orbit, dolly, handheld, zoom and stills.

Lengths of lenses are the focal length over half the picture's shorter side.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

KINDS = ("still", "orbit", "dolly", "handheld", "zoom")


@dataclass(frozen=True)
class Framing:
    """Where cameras stand and how much of the picture the cast fills.

    Attributes:
        lens: draws ``(random, aspect)`` the focal length.
        fill: draws ``(random)`` the share of the picture's shorter half that the cast's radius fills.
        elevation: draws ``(random)`` the radians that the camera is above the cast's horizon.
        offset: draws ``(random, frames, fill)`` how far the camera looks past its target, ``(F, 3)`` radii.
        lowest: metres above the ground.
        nearest: metres from the target, which the near clip plane must not cut.
    """

    lens: Callable[[np.random.Generator, float], float]
    fill: Callable[[np.random.Generator], float]
    elevation: Callable[[np.random.Generator], float]
    offset: Callable[[np.random.Generator, int, float], np.ndarray]
    lowest: float
    nearest: float


def _wide_lens(random: np.random.Generator, aspect: float) -> float:
    """14 to 135 mm before a sensor 36 mm wide, which Blender lays along the longer side."""
    millimetres = np.exp(random.uniform(np.log(14), np.log(135)))
    return 2 * millimetres / 36 * max(aspect, 1 / aspect)


def _wide_fill(random: np.random.Generator) -> float:
    """Figures of an eighth of the picture's height, whole ones, and ones larger than the picture."""
    low, high = ((0.11, 0.7), (0.6, 1.4), (1.4, 8.0))[random.choice(3, p=[0.27, 0.43, 0.3])]
    return float(np.exp(random.uniform(np.log(low), np.log(high))))


def _wide_elevation(random: np.random.Generator) -> float:
    """Mostly a person's height, often from above up to straight down, sometimes from the ground."""
    kind = random.random()
    if kind < 0.55:
        return float(np.clip(random.normal(0.12, 0.18), -0.12, 0.9))
    if kind < 0.9:
        return float(np.arcsin(random.uniform(0.1, 0.999)))
    return float(random.uniform(-0.4, 0.0))


def _wide_offset(random: np.random.Generator, frames: int, fill: float) -> np.ndarray:
    """Mostly small; else past the cast, so that it is cut by the frame, or walks into or out of it."""
    direction = random.normal(size=3)
    direction /= np.linalg.norm(direction)
    kind = random.random()
    if kind < 0.65:
        reach = np.full(frames, random.normal(0, 0.12))
    elif kind < 0.85 or frames == 1:
        reach = np.full(frames, random.uniform(0.3, 1.0) * (1 / fill + 0.3))
    else:
        # Slowly enough that the picture does not smear: half its width a second.
        start = random.uniform(0.5, 1.1) * (1 / fill + 0.5)
        reach = start - np.arange(frames) / 24 * random.uniform(0.2, 1.0) / fill
        reach = reach[:: random.choice([-1, 1])]
    return direction * reach[:, None]


@dataclass(frozen=True)
class Detail:
    """A part of somebody that a near camera may look at.

    Attributes:
        place: ``(F, 3)``.
        bearing: radians about Z of the side that it is seen from, if one is better than others.
    """

    place: np.ndarray
    bearing: float | None = None


CLOSE = Framing(
    lens=lambda random, aspect: random.uniform(1.2, 3.2),
    # From the whole cast to limbs out of the frame.
    fill=lambda random: random.uniform(0.7, 1.35),
    elevation=lambda random: np.clip(random.normal(0.12, 0.18), -0.12, 0.9),
    offset=lambda random, frames, fill: np.tile(random.normal(0, 0.08, 3), (frames, 1)),
    lowest=0.15,
    nearest=0.0,
)
WIDE = Framing(_wide_lens, _wide_fill, _wide_elevation, _wide_offset, lowest=0.05, nearest=0.8)


def random_camera_path(
    random: np.random.Generator,
    target: np.ndarray,
    radius: float,
    frames: int,
    fps: float,
    aspect: float,
    framing: Framing = CLOSE,
    details: Sequence[Detail] = (),
) -> tuple[np.ndarray, np.ndarray]:
    """A path that looks at the cast.

    Args:
        target: ``(F, 3)`` the cast's centre.
        radius: metres around it that should be in the frame.
        aspect: width over height.
        details: one of them is what a camera too near for everybody looks at.

    Returns:
        Intrinsics ``(F, 4)`` and camera-to-world ``(F, 4, 4)``, see ``geometry.camera``.
    """
    kind = str(random.choice(KINDS))
    time = np.arange(frames) / fps
    speed = random.normal()
    focal = framing.lens(random, aspect) * np.ones(frames)
    if kind == "zoom":
        focal *= np.exp(0.25 * speed * (time - time.mean()))
    # Size of the cast's radius in NDC, on the picture's short side, at this distance.
    fill = framing.fill(random)
    shown = details[random.integers(len(details))] if details and fill > 1.4 else None
    target = target if shown is None else shown.place
    distance = max(focal.mean() * radius / fill, framing.nearest) * np.ones(frames)
    if kind == "dolly":
        distance *= np.exp(0.2 * speed * (time - time.mean()))
    azimuth = random.uniform(0, 2 * np.pi) * np.ones(frames)
    if shown is not None and shown.bearing is not None:
        azimuth[:] = shown.bearing + random.normal(0, 0.7)
    elevation = framing.elevation(random) * np.ones(frames)
    if kind == "orbit":
        azimuth += random.normal(0, 0.5) * time
        elevation += random.normal(0, 0.05) * time
    # From straight above no direction would be up in the picture.
    elevation = elevation.clip(-1.55, 1.55)
    shake = np.zeros((frames, 3))
    if kind == "handheld":
        for axis in range(3):
            rate, phase = random.uniform(1, 6, 3), random.uniform(0, 2 * np.pi, 3)
            shake[:, axis] = 0.02 * distance.mean() * np.sin(np.outer(time, rate) + phase).mean(1)

    follow = random.random() < 0.5
    look_at = (target if follow else target.mean(0, keepdims=True) * np.ones((frames, 1))) + shake
    look_at = look_at + framing.offset(random, frames, fill) * radius
    outward = np.stack(
        [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)], 1
    )
    place = (target.mean(0) if not follow else look_at) + outward * distance[:, None] + shake[:, ::-1]
    place[:, 2] = np.maximum(place[:, 2], framing.lowest)

    short = min(aspect, 1.0)
    intrinsics = np.zeros((frames, 4))
    intrinsics[:, 0] = focal * short / aspect
    intrinsics[:, 1] = focal * short
    return intrinsics, look_at_matrices(place, look_at, roll=random.normal(0, 0.02))


def look_at_matrices(place: np.ndarray, target: np.ndarray, roll: float = 0.0) -> np.ndarray:
    """Camera-to-world ``(F, 4, 4)`` of cameras at ``place`` that look at ``target``, both ``(F, 3)``."""
    back = place - target
    back /= np.linalg.norm(back, axis=1, keepdims=True)
    right = np.cross([0.0, 0.0, 1.0], back)
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    up = np.cross(back, right)
    matrices = np.tile(np.eye(4), (len(place), 1, 1))
    matrices[:, :3, 0] = np.cos(roll) * right + np.sin(roll) * up
    matrices[:, :3, 1] = np.cos(roll) * up - np.sin(roll) * right
    matrices[:, :3, 2] = back
    matrices[:, :3, 3] = place
    return matrices
