"""Environment maps made by code: skies with sun, clouds and a horizon, and a studio's darkness.

An image is equirectangular as Blender reads it: ``(H, 2H, 3)`` linear radiance, first row straight down, the
columns running round from −X through +Y, +X and −Y, back to −X.
"""

from dataclasses import dataclass

import numpy as np

_HEIGHT = 512


@dataclass(frozen=True)
class Sky:
    """A sky made by code, and the sun in it.

    Attributes:
        image: see the module's docstring.
        sun: ``(3,)`` unit vector towards it.
        sun_strength: of a sun lamp, in units of the sky's brightness; 0 under a closed cover.
        warmth: ``(3,)`` colour of its light.
    """

    image: np.ndarray
    sun: np.ndarray
    sun_strength: float
    warmth: np.ndarray


def outdoor_sky(random: np.random.Generator, skyline: str) -> Sky:
    """A day's sky over a horizon.

    Args:
        skyline: "hills", "trees" or "city".
    """
    direction = _directions(_HEIGHT)
    elevation, azimuth = np.radians(random.uniform(12, 65)), random.uniform(0, 2 * np.pi)
    sun = np.array(
        [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)]
    )
    low = np.clip(1 - elevation / np.radians(35), 0, 1)
    overcast = random.beta(0.7, 1.4)

    up = direction[..., 2:].clip(0, 1)
    zenith = (1 - overcast) * np.array([0.16, 0.33, 0.78]) + overcast * np.array([0.5, 0.53, 0.58])
    horizon = np.array([0.70, 0.80, 0.95]) + low * np.array([0.25, -0.08, -0.35])
    sky = horizon + (zenith - horizon) * up**0.45
    warmth = np.array([1.0, 0.93, 0.82]) - low * np.array([0.0, 0.2, 0.42])
    glow = np.clip(direction @ sun, 0, 1)[..., None]
    sky = sky + warmth * (0.5 * glow**8 + 2.5 * glow**180) * (1 - 0.8 * overcast)

    # Clouds lie on a plane overhead.
    above = slice(_HEIGHT // 2, None)
    plane = direction[above, :, :2] / (direction[above, :, 2:] + 0.12)
    density = fractal(plane * random.uniform(0.6, 1.6) + random.uniform(-99, 99, 2), random, octaves=6)
    cover = np.clip((density - 0.62 + 0.35 * overcast) * 4, 0, 1)[..., None] * np.clip(up[above] * 9, 0, 1)
    cloud = (0.95 - 0.35 * np.clip(density - 0.55, 0, 1)[..., None]) * (0.5 + 0.5 * warmth)
    sky[above] += (cloud - sky[above]) * cover

    ground = np.array([0.25, 0.24, 0.2]) * random.uniform(0.6, 1.4)
    sky = np.where(direction[..., 2:] < 0, ground, sky)
    sky = _HORIZONS[skyline](sky, direction, horizon, random)
    return Sky(sky.astype(np.float32), sun, 6.0 * (1 - overcast) ** 1.5, warmth)


def studio_sky(random: np.random.Generator) -> Sky:
    """A dark hall with bright panels around: what a photographer's softboxes reflect and shed."""
    direction = _directions(_HEIGHT // 4)
    hall = random.uniform(0.12, 0.3) * (1 + 0.3 * direction[..., 2:]) * np.ones(3)
    for _ in range(random.integers(2, 5)):
        towards = random.normal(size=3) * [1, 1, 0.3] + [0, 0, 0.6]
        towards /= np.linalg.norm(towards)
        panel = np.clip((direction @ towards - np.cos(random.uniform(0.25, 0.6))) * 12, 0, 1)[..., None]
        hall = hall + panel * random.uniform(1.0, 3.5) * (1 + random.normal(0, 0.06, 3))
    return Sky(hall.clip(0).astype(np.float32), np.array([0.0, 0.0, 1.0]), 0.0, np.ones(3))


def fractal(place: np.ndarray, random: np.random.Generator, octaves: int) -> np.ndarray:
    """Smooth noise summed over octaves: ``(..., D)`` places to values about 0.5 in [0, 1]."""
    total, amplitude = np.zeros(place.shape[:-1]), 0.5
    for _ in range(octaves):
        total += amplitude * _value_noise(place, random)
        place, amplitude = place * 2.03 + 17.3, amplitude / 2
    return total / (1 - 0.5**octaves)


def _value_noise(place: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Random numbers on a periodic lattice, blended smoothly between its points."""
    period, dimensions = 64, place.shape[-1]
    lattice = random.random((period,) * dimensions)
    cell = np.floor(place).astype(int)
    fraction = place - cell
    fraction = fraction * fraction * (3 - 2 * fraction)
    total = np.zeros(())
    for corner in np.ndindex((2,) * dimensions):
        weight = np.prod(
            [f if c else 1 - f for c, f in zip(corner, np.moveaxis(fraction, -1, 0), strict=True)], 0
        )
        total = total + weight * lattice[tuple(np.moveaxis((cell + corner) % period, -1, 0))]
    return total


def _directions(height: int) -> np.ndarray:
    latitude = ((np.arange(height) + 0.5) / height - 0.5) * np.pi
    longitude = ((np.arange(2 * height) + 0.5) / (2 * height) - 0.5) * 2 * np.pi
    flat = np.cos(latitude)[:, None]
    x, y = flat * np.cos(longitude), -flat * np.sin(longitude)
    return np.stack([x, y, np.sin(latitude)[:, None] * np.ones_like(x)], -1)


def _around(direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Azimuth in [0, 1) of each column, and each row's elevation in radians."""
    middle = direction[len(direction) // 2]
    return np.arctan2(middle[:, 1], middle[:, 0]) / (2 * np.pi) % 1, np.arcsin(direction[:, 0, 2])


def _hills(sky, direction, haze, random):
    azimuth, elevation = _around(direction)
    circle = np.stack([np.cos(2 * np.pi * azimuth), np.sin(2 * np.pi * azimuth)], -1)
    green = np.array([0.10, 0.16, 0.07]) * random.uniform(0.6, 1.6, 3)
    for distance in (0.75, 0.5, 0.25):
        ridge = (
            random.uniform(0.05, 0.22)
            * distance
            * 2
            * fractal(circle * random.uniform(1.5, 5) + 30, random, 7)
        )
        inside = (elevation[:, None] < ridge) & (elevation[:, None] > -0.2)
        colour = green * (1 - distance) + 0.8 * haze * distance
        sky = np.where(inside[..., None], colour, sky)
    return sky


def _trees(sky, direction, haze, random):
    azimuth, elevation = _around(direction)
    circle = np.stack([np.cos(2 * np.pi * azimuth), np.sin(2 * np.pi * azimuth)], -1)
    near = np.abs(elevation) < 0.4
    leaves = np.array([0.05, 0.10, 0.03]) * random.uniform(0.6, 2.0, 3)
    for distance in (0.45, 0.15):
        crowns = 0.05 + 0.22 * fractal(circle * random.uniform(9, 14) + 20, random, 6) * (1 - distance)
        place = np.stack(np.broadcast_arrays(azimuth[None] * 300, elevation[near, None] * 48), -1)
        shade = 0.3 + 1.5 * fractal(place, random, 4)[..., None]
        colour = leaves * shade * (1 - distance) + 0.7 * haze * distance
        inside = (elevation[near, None] < crowns) & (elevation[near, None] > -0.2)
        sky[near] = np.where(inside[..., None], colour, sky[near])
    return sky


def _city(sky, direction, haze, random):
    azimuth, elevation = _around(direction)
    for distance in (0.6, 0.2):
        edges = np.sort(random.random(int(40 + 50 * distance)))
        block = np.searchsorted(edges, azimuth) % len(edges)
        roof = random.gamma(4, 0.045 * (1 - 0.4 * distance), len(edges))
        wall = random.uniform(0.12, 0.5, (len(edges), 1)) * (1 + random.normal(0, 0.12, (len(edges), 3)))
        floors, bays = random.uniform(0.012, 0.025, (2, len(edges)))
        glass = (elevation[:, None] / floors[block] % 1 > 0.45) & (azimuth * 6.28 / bays[block] % 1 > 0.4)
        colour = wall[block] * np.where(glass[..., None], 0.35, 1.0) * (1 - distance) + 0.8 * haze * distance
        inside = (elevation[:, None] < roof[block]) & (elevation[:, None] > -0.2)
        sky = np.where(inside[..., None], colour.clip(0), sky)
    return sky


_HORIZONS = {"hills": _hills, "trees": _trees, "city": _city}
