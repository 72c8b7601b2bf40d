"""People of another size than people are named."""

from dataclasses import replace

import numpy as np
import pytest

from isa_blender_addon.preflight.size import check_size
from tests.addon.preflight.balls import shot, still


@pytest.mark.parametrize(("scale", "named"), [(1.0, False), (0.6, False), (100.0, True), (0.01, True)])
def test_people_of_another_size_than_people_are_named(scale, named):
    there = shot({"Anna": still((0, 0, 1))})
    (anna,) = there.characters
    scaled = replace(there, characters=(replace(anna, points=anna.points * np.float32(scale)),))
    assert [found.serious for found in check_size(scaled)] == [True] * named
