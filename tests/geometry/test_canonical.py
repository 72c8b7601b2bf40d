"""Where on the set the scene stands does not matter."""

import numpy as np
import pytest
from hypothesis import assume, given

from isa_engine.geometry.canonical import world_to_canonical
from tests.geometry.scenes import clouds, numbers, rigid, turned_about_x, turned_about_z


def moved(transform: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ transform[:3, :3].T + transform[:3, 3]


def has_heading(camera: np.ndarray) -> bool:
    """Away from the switch between forward and the top of the picture."""
    return abs(np.linalg.norm(camera[:2, 2]) - 1e-3) > 1e-6


@given(clouds(2, 10), rigid(), numbers(-np.pi, np.pi), rigid())
def test_moving_the_scene_and_turning_it_about_z_changes_nothing(points, camera, angle, place):
    assume(has_heading(camera))
    points = points.astype(np.float64)
    move = turned_about_z(angle, place[:3, 3])
    here = world_to_canonical(points, camera)
    there = world_to_canonical(moved(move, points), move @ camera)
    assert np.allclose(moved(there, moved(move, points)), moved(here, points), atol=1e-6)
    assert np.allclose(there @ move @ camera, here @ camera, atol=1e-6)


@given(clouds(3, 10), rigid())
def test_it_is_a_turn_about_z_with_the_cast_at_the_origin(points, camera):
    transform = world_to_canonical(points, camera)
    rotation = transform[:3, :3]
    assert np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
    assert np.isclose(np.linalg.det(rotation), 1)
    assert np.allclose(rotation[2], [0, 0, 1])
    assert np.allclose(rotation[:, 2], [0, 0, 1])
    assert np.allclose(moved(transform, points.astype(np.float64)).mean((0, 1)), 0, atol=1e-5)


@given(clouds(1, 5), rigid())
def test_the_camera_heads_along_y(points, camera):
    assume(np.linalg.norm(camera[:2, 2]) > 2e-3)
    forward = -(world_to_canonical(points, camera) @ camera)[:3, 2]
    assert abs(forward[0]) < 1e-9
    assert forward[1] > 0


@pytest.mark.parametrize("side", [-1, 1])
@given(clouds(1, 5), numbers(-np.pi, np.pi))
def test_straight_down_and_straight_up_continue_the_heading(side, points, yaw):
    # A camera at rest looks down −Z: a pitch of 0 is straight down, π straight up.
    straight = 0 if side < 0 else np.pi
    for pitch in (straight, straight - side * 1e-5):
        camera = turned_about_z(yaw) @ turned_about_x(pitch)
        level = turned_about_z(yaw) @ turned_about_x(np.pi / 2)
        found, expected = world_to_canonical(points, camera), world_to_canonical(points, level)
        assert np.allclose(found, expected, atol=1e-6)


@given(rigid())
def test_without_characters_the_cameras_place_is_the_origin(camera):
    transform = world_to_canonical(np.zeros((0, 8, 3)), camera)
    assert np.allclose((transform @ camera)[:3, 3], 0, atol=1e-9)
