"""Tiles cover their canvas, and a point stands in a tile where it stands in the canvas."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isa_engine.geometry.ndc import to_pixels
from isa_engine.geometry.tiles import along, enlarged, tiles

patches = st.sampled_from([1, 2])
sides = st.integers(3, 12).map(lambda count: 4 * count)


@st.composite
def canvases(draw):
    """Rows, columns, the model's side and patch, as of ``tiles``."""
    side, patch = draw(sides), draw(patches)
    short = patch * draw(st.integers(1, 4 * side // patch))
    long = patch * draw(st.integers(short // patch, 3 * short // patch))
    rows, columns = draw(st.permutations([short, long]))
    return rows, columns, side, patch


@given(canvases())
def test_tiles_of_one_size_cover_the_canvas_and_lie_in_it(canvas):
    rows, columns, side, patch = canvas
    covered = np.zeros((rows, columns), int)
    found = tiles(*canvas)
    for tile in found:
        covered[tile.part] += 1
        assert tile.size == found[0].size
        assert covered[tile.part].shape == tile.size
        assert not any(number % patch for number in (*tile.first, *tile.size))
    assert covered.min() >= 1
    assert len(found) == along(min(rows, columns), side) ** 2


@given(canvases())
def test_a_tile_is_as_large_as_the_models_own_canvas_of_that_shape(canvas):
    rows, columns, side, patch = canvas
    tile = tiles(*canvas)[0]
    short = min(rows, columns)
    if short <= side:
        assert tile.size == (rows, columns)
    else:
        for size, total in zip(tile.size, (rows, columns), strict=True):
            assert side * total / short <= size < side * total / short + patch


@given(canvases())
def test_neighbours_share_about_a_quarter_at_least(canvas):
    found, patch = tiles(*canvas), canvas[-1]
    for axis in (0, 1):
        begins, length = sorted({tile.first[axis] for tile in found}), found[0].size[axis]
        assert all(length - (b - a) >= length / 4 - 2 * patch for a, b in pairwise(begins))


@given(canvases(), st.integers(0, 2**31))
def test_a_point_stands_in_a_tile_where_it_stands_in_the_canvas(canvas, seed):
    rows, columns, *_ = canvas
    ndc = np.random.default_rng(seed).uniform(-2, 2, (5, 3))
    for tile in tiles(*canvas):
        scale, shift = map(np.array, tile.lens)
        (height, width), (top, left) = tile.size, tile.first
        place = to_pixels(scale * ndc + shift, (width, height)) + np.array([left, top])
        np.testing.assert_allclose(place, to_pixels(ndc, (columns, rows)), atol=1e-9 * max(rows, columns))
        assert np.array_equal((scale * ndc + shift)[:, 2], ndc[:, 2])


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("side", [128, 256, 480, 512])
def test_the_canvas_of_a_detail_has_so_many_tiles_along_each_side(side, count):
    assert along(enlarged(side, count), side) == count
    assert along(enlarged(side, count) + 8, side) == count + 1


@given(canvases())
def test_no_place_of_a_tile_is_without_a_say(canvas):
    rows, columns = tiles(*canvas)[0].weights()
    assert min(*rows, *columns) >= 1
    assert rows == rows[::-1]
    assert columns == columns[::-1]
