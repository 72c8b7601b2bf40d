"""Pictures as programs write them, decoded to eight bits a colour."""

import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from isa_engine.sandbox.media import picture


@given(level=st.integers(0, 2**16 - 1))
def test_greys_of_16_bits_are_scaled_not_clipped(level):
    file = io.BytesIO()
    Image.fromarray(np.full((2, 3), level, np.uint16)).save(file, "PNG")
    shown = picture(file.getvalue(), "reference")
    assert shown.shape == (2, 3, 3)
    assert np.ptp(shown) == 0
    assert abs(int(shown[0, 0, 0]) - level / 257) <= 0.5
