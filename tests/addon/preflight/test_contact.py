"""Characters that reach deep into each other are named, and moved apart by so much as they overlap."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_blender_addon.preflight.contact import check_contact, depth
from tests.addon.preflight.balls import shot, still


@settings(max_examples=10, deadline=None)
@given(gap=st.floats(0.5, 0.9), angle=st.floats(0, 2 * np.pi))
def test_the_depth_is_how_far_two_bodies_overlap(gap, angle):
    aside = (gap * np.cos(angle), gap * np.sin(angle), 1)
    first, second = shot({"Anna": still((0, 0, 1)), "Ben": still(aside)}).characters
    overlap = max(0.8 - gap, 0)
    assert depth(first, second, 0) == pytest.approx(overlap, abs=0.1)
    assert depth(first, second, 0) == pytest.approx(depth(second, first, 0), abs=1e-6)


def test_deep_contact_is_found_at_its_frames_and_moving_apart_mends_it():
    staged = shot(
        {"Anna": still((0, 0, 1)), "Ben": ((1.2, 0.3, 1), (0.5, 0.3, 1)), "Cleo": still((-0.83, 0, 1))}
    )
    (found,) = check_contact(staged)
    assert "Anna and Ben" in found.sentence
    assert found.sentence.endswith("–34.")
    assert found.serious
    move = next(mend for mend in found.mends if mend.operator == "isa.move_apart")
    offset = np.array(move.values["offset"], np.float32)
    anna, ben, cleo = staged.characters
    mended = replace(staged, characters=(anna, replace(ben, points=ben.points + offset), cleo))
    assert check_contact(mended) == []


def test_a_touch_is_not_deep():
    assert check_contact(shot({"Anna": still((0, 0, 1)), "Ben": still((0.77, 0, 1))})) == []
