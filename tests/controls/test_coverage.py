"""Boxes that leave little of a set are found by a look at few small pictures."""

from dataclasses import replace

import numpy as np
import pytest

from isa_engine.controls import box_masks
from isa_engine.controls import coverage as measure
from isa_engine.controls.coverage import covered_by_boxes
from isa_engine.models.vace import VACE
from tests.controls.people import SIZE, person, shot_of


def boxed(distance, painted="boxes", frames=40):
    """Somebody who dances so near to the camera."""
    shot = shot_of([person(frames=range(frames), place=(0.0, distance - 4, 0.0))])
    return replace(shot, settings=replace(shot.settings, painted=painted))


@pytest.mark.parametrize("distance", [0.7, 4.0])
def test_what_boxes_cover_is_about_what_is_painted_in_the_take(distance, monkeypatch):
    monkeypatch.setattr(measure, "_MOST", 0.0)
    shot = boxed(distance)
    whole = np.mean([picture.mean() / 255 for picture in box_masks(shot, SIZE)])
    assert covered_by_boxes(shot, VACE.painted) == pytest.approx(whole, abs=0.03)


def test_only_boxes_that_cover_most_of_the_picture_are_told():
    assert covered_by_boxes(boxed(0.7), VACE.painted) > 0.5
    assert covered_by_boxes(boxed(4.0), VACE.painted) is None
    assert covered_by_boxes(boxed(0.7, "mask"), VACE.painted) is None
    assert covered_by_boxes(boxed(0.7), ()) is None, "a model that does not paint in boxes"


def test_of_a_long_shot_no_more_is_looked_at(monkeypatch):
    looked = []
    monkeypatch.setattr(
        measure, "box_masks", lambda shot, size, frames: looked.append((size, len(frames))) or [np.ones(1)]
    )
    for frames in (1, 7, 40):
        covered_by_boxes(boxed(4.0, frames=frames), VACE.painted)
    assert looked == [((128, 74), 1), ((128, 74), 7), ((128, 74), 16)]
