import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.spatial.transform import Rotation

from isa_engine.body.model.rotation import aligning, axis_angles, interpolate, matrices, quaternions

vectors = arrays.arrays(np.float64, (4, 3), elements=st.floats(-3, 3, allow_subnormal=False))
directions = arrays.arrays(np.float64, 3, elements=st.floats(-1, 1)).filter(
    lambda v: np.linalg.norm(v) > 1e-3
)


@given(vectors)
def test_matrices_are_scipys(vector):
    np.testing.assert_allclose(matrices(vector), Rotation.from_rotvec(vector).as_matrix(), atol=1e-12)


@given(vectors)
def test_a_matrix_gives_back_a_vector_of_the_same_rotation_and_at_most_half_a_turn(vector):
    back = axis_angles(matrices(vector))
    np.testing.assert_allclose(matrices(back), matrices(vector), atol=1e-9)
    assert (np.linalg.norm(back, axis=-1) <= np.pi + 1e-9).all()


@pytest.mark.parametrize("axis", [*np.eye(3), np.array([0.6, -0.8, 0]), np.array([1, -2, 2]) / 3])
@pytest.mark.parametrize("angle", [0.0, 1e-9, np.pi - 1e-9, np.pi])
def test_no_turn_and_half_turns_are_exact(axis, angle):
    np.testing.assert_allclose(
        matrices(axis_angles(matrices(axis * angle))), matrices(axis * angle), atol=1e-12
    )


@given(vectors)
def test_quaternions_are_of_unit_length_and_turn_likewise(vector):
    quaternion = quaternions(matrices(vector))
    turned = Rotation.from_quat(quaternion[:, [1, 2, 3, 0]]).as_matrix()
    np.testing.assert_allclose(np.linalg.norm(quaternion, axis=-1), 1, atol=1e-12)
    np.testing.assert_allclose(turned, matrices(vector), atol=1e-9)


@settings(max_examples=40)
@given(vectors, vectors, st.floats(0, 1))
def test_interpolation_goes_at_constant_speed_from_one_rotation_to_the_other(start, end, fraction):
    whole = np.linalg.norm(axis_angles(np.swapaxes(matrices(start), -1, -2) @ matrices(end)), axis=-1)
    middle = interpolate(start, end, np.full(4, fraction))
    part = np.linalg.norm(axis_angles(np.swapaxes(matrices(start), -1, -2) @ matrices(middle)), axis=-1)
    np.testing.assert_allclose(part, fraction * whole, atol=1e-7)
    np.testing.assert_allclose(matrices(interpolate(start, end, np.ones(4))), matrices(end), atol=1e-9)


@given(directions, directions)
def test_aligning_turns_one_direction_onto_another(direction, target):
    turned = aligning(direction, target) @ direction / np.linalg.norm(direction)
    np.testing.assert_allclose(turned, target / np.linalg.norm(target), atol=1e-7)


def test_aligning_opposite_directions_is_half_a_turn():
    turn = aligning(np.array([0, 2.0, 0]), np.array([0, -1.0, 0]))
    np.testing.assert_allclose(turn @ [0, 1, 0], [0, -1, 0], atol=1e-12)
    assert np.linalg.det(turn) > 0
