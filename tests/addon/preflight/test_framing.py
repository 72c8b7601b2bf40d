"""Who is not in the picture, or only in part, is named."""

from dataclasses import replace

import numpy as np
import pytest

from isa_blender_addon.preflight.framing import check_framing
from isa_engine.shot import Shot
from tests.addon.preflight.balls import FRAMES, shot, still


@pytest.mark.parametrize(
    ("way", "words", "serious"),
    [
        (still((9, 0, 1)), "Ben is out of the frame all the time.", True),
        (still((0, -9, 1)), "Ben is behind the camera all the time.", True),
        (((0, 0, 1), (8, 0, 1)), "Ben is out of the frame at ", False),
    ],
)
def test_who_is_not_in_the_picture_is_named_with_the_frames(way, words, serious):
    staged = shot({"Anna": still((-0.6, 0, 1)), "Ben": way})
    (found,) = check_framing(staged)
    assert found.sentence.startswith(words)
    assert found.serious == serious
    assert {mend.operator for mend in found.mends} == {"isa.leave_out", "isa.show_frame"}
    assert all(mend.values["character"] == "Ben" for mend in found.mends)
    if not serious:
        first = next(mend for mend in found.mends if mend.operator == "isa.show_frame").values["frame"]
        assert f" {first}–34." in found.sentence
        before = staged.characters[1].points[first - 11 - 1]
        assert np.abs(before[:, 0] / (4 + before[:, 1])).min() * 1.5 <= 1


def standing(staged: Shot, pelvis: float, head: float) -> Shot:
    """The first character with these two joints alone, at so many metres of height, over its first points."""
    anna = staged.characters[0]
    joints = np.full((FRAMES, 60, 3), np.nan, np.float32)
    for joint, height in ((0, pelvis), (15, head)):
        joints[:, joint] = anna.points.mean(1) * [1, 1, 0] + [0, 0, height]
    return replace(staged, characters=(replace(anna, skeleton=joints), *staged.characters[1:]))


def test_a_head_that_the_upper_edge_cuts_off_is_named_with_its_frames():
    staged = shot({"Anna": still((0, 0, 1))})
    whole, cut = standing(staged, 1.0, 1.6), standing(staged, 1.0, 4.0)
    assert check_framing(whole) == []
    (found,) = check_framing(cut)
    assert found.sentence == "Anna's head is cut off at 11–34."
    assert not found.serious
    assert [mend.operator for mend in found.mends] == ["isa.show_frame"]
    # Of legs alone, or of somebody without known joints, nobody knows.
    assert check_framing(standing(staged, 3.9, 4.5)) == []
    assert check_framing(standing(staged, np.nan, np.nan)) == []
