"""Tiles cover their canvas, and a point stands in a tile where it stands in the canvas."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from isa_engine.configuration import MODELS, model_config
from isa_engine.geometry.ndc import to_pixels
from isa_engine.geometry.tiles import MARGIN, along, counted, enlarged, tiles
from isa_engine.shot import canvas_size

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


def is_whole(canvas) -> bool:
    """Neither larger nor longer than what models learn from."""
    short, long = sorted(canvas[:2])
    return short <= canvas[2] and long <= 1.8 * short


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
    if not is_whole(canvas):
        known = min(side, rows, columns)
        assert len(found) == along(rows, known) * along(columns, known)


@given(canvases())
def test_a_tile_is_a_square_of_the_models_own_side_or_all_of_a_canvas_that_it_knows(canvas):
    rows, columns, side, patch = canvas
    size = tiles(*canvas)[0].size
    if is_whole(canvas):
        assert size == (rows, columns)
    else:
        known = min(side, rows, columns)
        assert size[0] == size[1]
        assert known <= size[0] < known + patch


@pytest.mark.parametrize(("columns", "count"), [(16, 1), (28, 1), (30, 3), (38, 3), (64, 5)])
def test_films_up_to_16_to_9_are_seen_whole_and_longer_ones_in_tiles_along_their_length(columns, count):
    flat, tall = tiles(16, columns, 16), tiles(columns, 16, 16)
    assert len(flat) == len(tall) == count
    assert [tile.first for tile in tall] == [tile.first[::-1] for tile in flat]


@pytest.mark.parametrize("model", MODELS)
def test_no_model_sees_16_to_9_in_tiles(model):
    config = model_config(model)
    width, height = canvas_size(16, 9, config.short_side, config.multiple)
    side = config.vae.spatial_compression
    assert len(config.tiles(height // side, width // side)) == 1


@given(canvases())
def test_tiles_are_counted_without_being_listed(canvas):
    (down, across), size = counted(*canvas)
    found = tiles(*canvas)
    assert len(found) == down * across
    assert found[0].size == size
    # What a hostile shot asks for: a list of them would fill any memory.
    assert counted(10**9, 10**9, 16)[0] == (83333333, 83333333)


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
def test_the_canvas_of_a_detail_has_so_many_tiles_along_its_shorter_side(side, count):
    assert along(enlarged(side, count), side) == count
    assert along(enlarged(side, count) + 8, side) == count + 1


@given(canvases())
def test_no_place_of_a_tile_is_without_a_say(canvas):
    rows, columns = tiles(*canvas)[0].weights()
    assert min(*rows, *columns) >= 1
    assert rows == rows[::-1]
    assert columns == columns[::-1]


@given(canvases(), st.floats(-1.5, 1.5), st.floats(-1.5, 1.5))
def test_a_point_matters_to_the_tiles_in_which_it_is_and_to_those_within_the_margin(canvas, x, y):
    place = to_pixels(np.array([[x, y]]), canvas[1::-1])[0][::-1]
    for tile in tiles(*canvas):
        outside = max(
            max(first - at, at - first - size) / size
            for at, first, size in zip(place, tile.first, tile.size, strict=True)
        )
        if abs(outside - MARGIN) > 1e-6:
            assert tile.near(np.array([x, y])) == (outside < MARGIN)
            assert tile.near(torch.tensor([x, y], dtype=torch.float64)) == (outside < MARGIN)
