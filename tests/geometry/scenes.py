"""Lenses, cameras and clouds drawn by hypothesis."""

import numpy as np
from hypothesis import strategies as st


def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False)


def lenses() -> st.SearchStrategy[np.ndarray]:
    """Intrinsics ``(4,)``."""
    return st.tuples(numbers(0.2, 20), numbers(0.2, 20), numbers(-1, 1), numbers(-1, 1)).map(np.array)


def turned_about_z(angle: float, place=(0.0, 0.0, 0.0)) -> np.ndarray:
    transform = np.eye(4)
    transform[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    transform[:3, 3] = place
    return transform


def turned_about_x(angle: float) -> np.ndarray:
    transform = np.eye(4)
    transform[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return transform


def rigid() -> st.SearchStrategy[np.ndarray]:
    """Any turn and a move of up to 20 m: ``(4, 4)``."""
    angles = st.tuples(*[numbers(-np.pi, np.pi)] * 3)
    place = st.tuples(*[numbers(-20, 20)] * 3)
    return st.builds(
        lambda a, p: turned_about_z(a[0], p) @ turned_about_x(a[1]) @ turned_about_z(a[2]), angles, place
    )


def clouds(*shape: int) -> st.SearchStrategy[np.ndarray]:
    """Points ``(*shape, 3)`` within 3 m of the origin, spread by a drawn seed."""
    return st.integers(0, 2**32 - 1).map(
        lambda seed: np.random.default_rng(seed).uniform(-3, 3, (*shape, 3)).astype(np.float32)
    )
