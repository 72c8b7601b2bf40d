"""A body stands upright in the world."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from isa_engine.body.model.axes import TO_WORLD, from_world, to_world

points = arrays(np.float64, (4, 3), elements=st.floats(-10, 10))


def test_up_is_up_and_a_body_looks_against_y():
    assert (to_world(np.array([0, 1, 0])) == [0, 0, 1]).all()
    assert (to_world(np.array([0, 0, 1])) == [0, -1, 0]).all()
    assert np.linalg.det(TO_WORLD) == 1


@given(points)
def test_matrix_and_points_say_the_same_and_there_is_a_way_back(points):
    assert (to_world(points) == points @ TO_WORLD.T).all()
    assert (from_world(to_world(points)) == points).all()
