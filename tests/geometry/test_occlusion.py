"""Points that somebody else stands before."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isa_engine.geometry.camera import modelview_projection
from isa_engine.geometry.occlusion import hidden

# From the origin along −z: fx, fy, and no offset.
EYE = np.eye(4)
NARROW = np.array([2.0, 1.0, 0.0, 0.0])
MVP = modelview_projection(NARROW[None], EYE[None])[0]


def wall(z: float, half: float) -> np.ndarray:
    """Points of a square wall across the line of sight, as dense as a body's."""
    side = np.arange(-half, half + 1e-9, 0.09)
    x, y = np.meshgrid(side, side)
    return np.stack([x, y, np.full_like(x, z)], -1).reshape(-1, 3)


@given(depth=st.floats(1.5, 60), beyond=st.floats(0.1, 100))
def test_a_wall_hides_what_is_right_behind_it_and_nothing_beside_it(depth, beyond):
    before = wall(-depth, 0.5)
    along = (depth + beyond) / depth
    behind = np.array([[0.0, 0, -depth], [0.45, 0.1, -depth], [-0.3, -0.45, -depth]]) * along
    beside = np.array([[0.7, 0, -depth], [0, -0.7, -depth]]) * along
    assert hidden(behind, before, MVP).all()
    assert not hidden(beside, before, MVP).any()


@given(depth=st.floats(1.5, 60), before=st.floats(0.05, 1.4))
def test_who_stands_in_front_is_not_hidden(depth, before):
    assert not hidden(wall(before - depth, 0.5), wall(-depth, 0.5), MVP).any()


@pytest.mark.parametrize("others", [np.zeros((0, 3)), wall(1.0, 0.5)], ids=["nobody", "behind the camera"])
def test_nobody_before_the_camera_hides_nobody(others):
    assert not hidden(wall(-3.0, 0.5), others, MVP).any()


def test_where_the_camera_stands_in_the_world_does_not_matter():
    random = np.random.default_rng(0)
    points, others = (random.uniform([-1, -1, -6], [1, 1, -2], (200, 3)) for _ in range(2))
    turn = np.linalg.qr(random.normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn)
    camera = np.eye(4)
    camera[:3, :3], camera[:3, 3] = turn, [40, -7, 3]
    moved = (cloud @ turn.T + camera[:3, 3] for cloud in (points, others))
    here = hidden(points, others, MVP)
    assert 0 < here.mean() < 1
    assert (hidden(*moved, modelview_projection(NARROW[None], camera[None])[0]) == here).all()
