"""How a camera sees a place is told as a photographer would tell it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from isa_engine.data.scenario.camera_paths import look_at_matrices
from isa_engine.evaluation.tables.limits import View
from isa_engine.geometry.camera import modelview_projection
from isa_engine.geometry.ndc import project
from isa_engine.geometry.viewpoint import PERSON, viewpoint


@given(
    st.floats(5, 500),
    st.floats(-80, 80),
    st.floats(10, 200),
    st.sampled_from([(128, 128), (224, 128), (128, 224)]),
)
def test_a_view_is_seen_as_it_was_asked_for(size, elevation, lens, canvas):
    width, height = canvas
    intrinsics, camera = View(size, elevation, lens, width, height)(2)
    seen = viewpoint(intrinsics, camera, np.tile([0.0, 0.0, 0.9], (2, 1)), height)
    np.testing.assert_allclose(seen.size, size, rtol=1e-6)
    np.testing.assert_allclose(seen.elevation, elevation, atol=1e-4)
    np.testing.assert_allclose(seen.lens, lens, rtol=1e-6)


@given(st.floats(2, 20), st.floats(0.5, 4), st.integers(64, 1024))
def test_the_size_is_the_pixels_between_head_and_foot(distance, fy, height):
    camera = look_at_matrices(np.array([[0, -distance, 1.0]]), np.array([[0, 0, 1.0]]))
    intrinsics = np.array([[fy, fy, 0.1, -0.2]])
    ends = np.array([[[0, 0, 1 - PERSON / 2], [0, 0, 1 + PERSON / 2]]])
    ndc, _ = project(ends, modelview_projection(intrinsics, camera))
    pixels = np.ptp(ndc[0, :, 1]) * height / 2
    np.testing.assert_allclose(
        viewpoint(intrinsics, camera, np.array([[0, 0, 1.0]]), height).size, pixels, rtol=1e-6
    )
