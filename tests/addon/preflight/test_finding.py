"""Frames in words."""

import numpy as np
import pytest

from isa_blender_addon.preflight.finding import spans


@pytest.mark.parametrize(
    ("chosen", "words"), [([], ""), ([1], "2"), ([0, 1, 3], "1–2, 4"), ([0, 2, 4], "1, 3, 5")]
)
def test_frames_in_words(chosen, words):
    mask = np.zeros(5, bool)
    mask[chosen] = True
    assert spans(np.arange(1, 6), mask) == words
