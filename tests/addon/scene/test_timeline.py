from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from isa_blender_addon.scene.timeline import fps, frame_numbers, frame_shape, render_size
from isa_engine.errors import SceneError


@pytest.mark.parametrize(
    ("rate", "base", "exact"),
    [
        (24, 1.0, Fraction(24)),
        (24, 1.001, Fraction(24000, 1001)),
        (30, 1.001, Fraction(30000, 1001)),
        (25, 2.0, Fraction(25, 2)),
        (1, 0.04, Fraction(25)),
    ],
)
def test_frame_rate_is_exact(scene, rate, base, exact):
    scene.render.fps, scene.render.fps_base = rate, base
    assert fps(scene) == exact


def test_frames_run_from_start_to_end_by_the_step(scene):
    scene.frame_start, scene.frame_end, scene.frame_step = 2, 14, 4
    np.testing.assert_array_equal(frame_numbers(scene), [2, 6, 10, 14])
    scene.frame_end = 13
    np.testing.assert_array_equal(frame_numbers(scene), [2, 6, 10])


def test_an_empty_range_is_a_sentence():
    # Blender's own properties never let the end come before the start; a damaged file may.
    scene = SimpleNamespace(name="Scene", frame_start=10, frame_end=5, frame_step=1)
    with pytest.raises(SceneError, match=r"^the frame range 10–5 of scene 'Scene' is empty. Set the end"):
        frame_numbers(scene)


def test_percentage_rounds_down_as_the_renderer_does(scene):
    scene.render.resolution_x, scene.render.resolution_y = 1281, 719
    scene.render.resolution_percentage = 33
    assert render_size(scene) == (422, 237)


def test_pixel_aspect_widens_the_frame(scene):
    scene.render.resolution_x, scene.render.resolution_y = 720, 576
    scene.render.pixel_aspect_x = 1.5
    assert frame_shape(scene) == (1080, 576)
