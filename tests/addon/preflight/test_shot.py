"""All that the frames of a shot tell a model, without Blender."""

import re
from dataclasses import replace

import numpy as np

from isa_blender_addon.preflight import check_shot
from tests.addon.preflight.balls import FRAMES, orbit, shot, still
from tests.pipeline import discs


def test_a_shot_that_is_well_staged_has_no_findings():
    staged = shot({"Anna": still((-0.6, 0, 1)), "Ben": ((0.4, 0, 1), (0.7, 0.2, 1))}, orbit(30))
    assert check_shot(staged) == []


def test_a_single_frame_has_no_motion():
    staged = shot({"Anna": still((0, 0, 1))})
    one = replace(staged, frame_numbers=staged.frame_numbers[:1], intrinsics=staged.intrinsics[:1],
                  camera_to_world=staged.camera_to_world[:1],
                  characters=tuple(replace(c, points=c.points[:1]) for c in staged.characters))  # fmt: skip
    assert check_shot(one) == []


def test_who_has_no_bones_is_named_to_a_model_that_reads_skeletons():
    staged = shot({"Anna": still((0, 0, 1)), "Ben": still((1, 0, 1))})
    anna, ben = staged.characters
    staged = replace(staged, characters=(replace(anna, skeleton=np.zeros((FRAMES, 60, 3), np.float32)), ben))
    reads = replace(discs.Described(), controls=("pose",))
    (found,) = (found for found in check_shot(staged, reads) if "bones" in found.text)
    assert found.sentence.startswith("Ben has no bones")
    assert not [found for found in check_shot(staged, discs.Described()) if "bones" in found.text]


def test_boxes_that_leave_little_of_the_set_are_told_where_there_is_one():
    reads = discs.Described(painted=("mask", "boxes"))
    near = shot({"Anna": ((0, -3.4, 1), (0, -3.4, 1))})
    near = replace(near, settings=replace(near.settings, painted="boxes", width=320, height=320))
    (found,) = (found for found in check_shot(near, reads, keeps=True) if "Boxes" in found.text)
    assert re.fullmatch(r"Boxes cover \d+% of the picture: little of the background is kept.", found.sentence)
    assert [mend.operator for mend in found.mends] == ["isa.paint_bodies"]
    assert not found.serious
    far = replace(near, characters=shot({"Anna": still((0, 0, 1))}).characters)
    bodies = replace(near, settings=replace(near.settings, painted="mask"))
    for well, model, keeps in (
        (near, reads, False),
        (far, reads, True),
        (bodies, reads, True),
        (near, None, True),
    ):
        assert not [found for found in check_shot(well, model, keeps) if "Boxes" in found.text]
