"""Pictures as programs write them, decoded to eight bits a colour."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from isa_engine.errors import ShotError
from isa_engine.sandbox.media import picture


@given(level=st.integers(0, 2**16 - 1))
def test_greys_of_16_bits_are_scaled_not_clipped(level):
    file = io.BytesIO()
    Image.fromarray(np.full((2, 3), level, np.uint16)).save(file, "PNG")
    shown = picture(file.getvalue(), "reference")
    assert shown.shape == (2, 3, 3)
    assert np.ptp(shown) == 0
    assert abs(int(shown[0, 0, 0]) - level / 257) <= 0.5


@given(colour=st.tuples(*[st.integers(0, 255)] * 3), alpha=st.integers(0, 255))
def test_behind_what_is_transparent_is_mid_grey_whatever_colour_it_hides(colour, alpha):
    file = io.BytesIO()
    Image.new("RGBA", (3, 2), (*colour, alpha)).save(file, "PNG")
    wanted = (np.array(colour) * alpha + 128 * (255 - alpha)) / 255
    assert np.abs(picture(file.getvalue(), "reference") - wanted).max() <= 1


def test_a_transparent_colour_of_a_palette_is_mid_grey():
    file, palette = io.BytesIO(), Image.new("P", (3, 2), 1)
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.save(file, "PNG", transparency=1)
    assert (picture(file.getvalue(), "reference") == 128).all()


@pytest.mark.parametrize("mode", ["PNG 1", "PNG L", "PNG P", "PNG RGB", "JPEG L", "JPEG RGB", "JPEG CMYK"])
def test_an_opaque_picture_is_what_its_file_holds(mode):
    kind, mode = mode.split()
    noise = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).convert(mode).save(file, kind)
    with Image.open(file) as held:
        assert np.array_equal(picture(file.getvalue(), "reference"), held.convert("RGB"))


@pytest.mark.parametrize("kind", ["WEBP", "GIF", "TIFF", "BMP"])
def test_a_whole_picture_of_another_kind_is_not_said_to_be_damaged(kind):
    file = io.BytesIO()
    Image.new("RGB", (3, 2)).save(file, kind)
    with pytest.raises(ShotError, match=r"no PNG and no JPEG \(Anna\)\. Export it again as PNG or JPEG"):
        picture(file.getvalue(), "Anna")
