"""Whom the set hides on every frame is named."""

from dataclasses import replace

import numpy as np

from isa_blender_addon.preflight import check_shot
from isa_engine.shot import Shot
from tests.addon.preflight.balls import FRAMES, shot, still
from tests.pipeline import discs

ASIDE = shot({"Anna": still((-0.9, 0, 1)), "Ben": still((0.9, 0, 1))})
# Before Ben.
WALL = np.full((1, 32, 32), np.inf)
WALL[..., 16:] = 2


def with_set(staged: Shot, away: np.ndarray) -> Shot:
    """Its set is so far away, metres; ``(F, height, width)``."""
    return replace(staged, background_depth=away.astype(np.float16))


def test_whom_the_set_hides_on_all_frames_is_named():
    (found,) = check_shot(with_set(ASIDE, WALL))
    assert found.sentence == "Ben is behind the set, or glass, all the time."
    assert found.serious
    assert found.characters == {"Ben"}
    operators = [mend.operator for mend in found.mends]
    assert operators == ["isa.show_frame", "isa.leave_out", "isa.paint_over_set"]


def test_a_model_that_is_told_where_to_paint_paints_all_of_that():
    (found,) = check_shot(with_set(ASIDE, WALL), discs.Described(painted=("mask", "boxes")))
    assert [mend.operator for mend in found.mends] == ["isa.show_frame", "isa.leave_out"]


def test_to_be_hidden_on_some_frames_or_but_for_a_slit_may_be_meant():
    passing = np.repeat(WALL, FRAMES, 0)
    passing[7] = np.inf
    slit = WALL.copy()
    slit[..., 23] = np.inf
    for meant in (passing, slit, np.full_like(WALL, 9)):
        assert check_shot(with_set(ASIDE, meant)) == []


def test_whom_no_frame_would_show_anyhow_is_named_once():
    gone = shot({"Anna": still((-0.9, 0, 1)), "Ben": still((9, 0, 1))})
    (found,) = check_shot(with_set(gone, WALL))
    assert found.sentence == "Ben is out of the frame all the time."
