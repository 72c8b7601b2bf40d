"""A camera is fast where training showed none that was as fast."""

import re
from dataclasses import replace

import numpy as np
import pytest

from isa_blender_addon.preflight.camera_motion import TURN_DEGREES, check_camera_motion
from isa_engine.data.scenario.camera_paths import look_at_matrices, random_camera_path
from tests.addon.preflight.balls import FRAMES, orbit, shot, still


@pytest.mark.parametrize("fps", [12, 24, 60])
def test_a_camera_may_turn_as_fast_as_in_training_and_no_faster(fps):
    cast = {"Anna": still((0, 0, 1))}
    assert check_camera_motion(shot(cast, orbit(0.9 * TURN_DEGREES, fps), fps)) == []
    (found,) = check_camera_motion(shot(cast, orbit(1.3 * TURN_DEGREES, fps), fps))
    degrees = float(re.match(r"The camera turns (\d+)° between 11 and 34", found.sentence)[1])
    assert degrees == pytest.approx(1.3 * TURN_DEGREES * (FRAMES - 1) / fps, abs=1)


def test_what_the_training_showed_is_not_called_fast():
    random = np.random.default_rng(0)
    flagged = 0
    for _ in range(150):
        cameras, views = random_camera_path(random, np.tile([0, 0, 1.0], (FRAMES, 1)), 1.0, FRAMES, 24, 1.0)
        taken = replace(shot({"Anna": still((0, 0, 1))}, views), intrinsics=cameras)
        flagged += bool(check_camera_motion(taken))
    assert flagged <= 6


def test_a_cut_and_a_rush_are_named():
    cast = {"Anna": still((0, 0, 1))}
    cut = orbit(0)
    cut[12:] = look_at_matrices(np.array([[4.0, 0, 1]]), np.array([[0, 0, 1.0]]))
    (found,) = check_camera_motion(shot(cast, cut))
    assert "jumps at 23" in found.sentence
    near = orbit(0)
    near[:, 1, 3] = -4 * np.exp(-1.2 * np.arange(FRAMES) / 24)
    (found,) = check_camera_motion(shot(cast, near))
    assert "3.3 times a second" in found.sentence
