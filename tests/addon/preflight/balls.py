"""Shots of people who are balls, made of arrays."""

from fractions import Fraction

import numpy as np

from isa_engine.data.scenario.camera_paths import look_at_matrices
from isa_engine.shot import Character, Shot
from tests.addon.overlay.test_geometry import ball

FRAMES = 24


def shot(places: dict, camera=None, fps=24) -> Shot:
    """Balls of 40 cm that go from a place to another, under a camera four metres away."""
    characters = []
    for name, (start, end) in places.items():
        body = ball((0, 0, 0), rings=16)
        order = np.random.default_rng(0).permutation(len(body.points))
        way = np.linspace(start, end, FRAMES)[:, None]
        points = (body.points[order] + way).astype(np.float32)
        characters.append(Character(name, points, np.argsort(order)[body.triangles].astype(np.int32)))
    if camera is None:
        camera = np.tile(look_at_matrices(np.array([[0, -4, 1.0]]), np.array([[0, 0, 1.0]])), (FRAMES, 1, 1))
    numbers, intrinsics = np.arange(11, 11 + FRAMES, dtype=np.int32), np.tile([1.5, 1.5, 0, 0], (FRAMES, 1))
    return Shot(Fraction(fps), 320, 320, numbers, intrinsics, camera, tuple(characters))


def orbit(degrees_a_second: float, fps=24) -> np.ndarray:
    angle = np.radians(degrees_a_second) * np.arange(FRAMES) / fps
    place = np.stack([4 * np.sin(angle), -4 * np.cos(angle), np.ones(FRAMES)], 1)
    return look_at_matrices(place, np.tile([0, 0, 1.0], (FRAMES, 1)))


def still(place) -> tuple:
    return place, place
