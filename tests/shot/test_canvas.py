"""The canvas: the short side as trained, whole tokens, and the frame's own shape."""

from hypothesis import given
from hypothesis import strategies as st

from isa_engine.configuration import MODELS
from isa_engine.geometry.tiles import along, enlarged
from isa_engine.shot import anisotropy, canvas_size

sides = st.integers(1, 8192)
models = st.sampled_from([(m.short_side, m.multiple) for m in (make() for make in MODELS.values())])


@given(sides, sides, models)
def test_whole_tokens_with_the_short_side_as_trained(width, height, model):
    short_side, multiple = model
    canvas = canvas_size(width, height, short_side, multiple)
    assert all(side % multiple == 0 and side > 0 for side in canvas)
    assert min(canvas) == short_side
    assert (width <= height) == (canvas[0] <= canvas[1]) or canvas[0] == canvas[1]


@given(sides, sides, models)
def test_the_long_side_is_the_nearest_to_the_frames_shape(width, height, model):
    short_side, multiple = model
    canvas = canvas_size(width, height, short_side, multiple)
    exact = short_side * max(width, height) / min(width, height)
    assert abs(max(canvas) - exact) <= multiple / 2 + 1e-6
    bound = 1 + multiple / 2 / (exact - multiple / 2)
    assert 1 / bound - 1e-9 <= anisotropy(width, height, canvas) <= bound + 1e-9


@given(sides, sides, models)
def test_turning_the_frame_turns_the_canvas(width, height, model):
    assert canvas_size(height, width, *model) == canvas_size(width, height, *model)[::-1]


def test_anisotropy_above_one_is_wide():
    assert anisotropy(200, 100, (100, 100)) == 2
    assert anisotropy(1280, 720, canvas_size(1280, 720, 128, 16)) == (1280 / 224) / (720 / 128)


@given(sides, sides, models, st.integers(1, 4))
def test_more_detail_is_a_larger_canvas_of_the_same_shape(width, height, model, detail):
    short_side, multiple = model
    canvas = canvas_size(width, height, short_side, multiple, detail)
    assert all(side % multiple == 0 for side in canvas)
    assert abs(min(canvas) - enlarged(short_side, detail)) <= multiple / 2
    assert along(min(canvas), short_side) == detail
