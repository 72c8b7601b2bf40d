"""Footage as cameras, phones and browsers write it, looked at as players show it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_engine.data.recordings.media import encode_video
from isa_engine.sandbox import footage
from isa_engine.sandbox.media import Movie
from tests.movies import filmed, lying, timed

# Each frame has its own grey.
GREYS = np.broadcast_to(np.arange(0, 250, 25, np.uint8)[:, None, None, None], (10, 16, 24, 3))


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_footage_is_turned_as_players_turn_it(degrees):
    quarters = np.repeat(np.repeat(np.array([[10, 90], [170, 250]], np.uint8), 24, 0), 32, 1)
    filmed = np.repeat(quarters[None, ..., None], 3, -1)
    wanted = np.rot90(filmed, -degrees // 90, (1, 2))
    shown = list(footage(lying(encode_video(filmed, 25, 0), degrees), 1, wanted.shape[2:0:-1]))
    np.testing.assert_array_equal(shown, wanted)


@settings(deadline=None, max_examples=20)
@given(pauses=st.lists(st.integers(10, 300), min_size=9, max_size=9), rate=st.sampled_from([5.0, 12.5, 30.0]))
def test_at_every_moment_the_frame_is_seen_that_players_show(pauses, rate):
    times = np.cumsum([0, *pauses])
    with Movie(timed(GREYS, times.tolist()), "clip.mp4") as movie:
        seen = [int(frame[0, 0, 0]) // 25 for frame in movie.evenly(1280, rate)]
    due = np.round(times / 1000 * rate)
    assert seen == [int(np.flatnonzero(due <= moment)[-1]) for moment in range(int(due[-1]) + 1)]


@pytest.mark.parametrize("rate", [23.976, 24.0, 25.0, 29.97, 50.0, 59.94])
def test_of_even_frames_each_is_seen_once(rate):
    with Movie(encode_video(GREYS, rate, 0), "clip.mp4") as movie:
        seen = [int(frame[0, 0, 0]) // 25 for frame in movie.evenly(1280, movie.rate)]
    assert seen == list(range(10))


def moving_edge(step: int) -> np.ndarray:
    """A white half that comes in from the left, every other line a moment later: ``(8, 64, 96, 3)`` uint8."""
    lines, columns, frames = np.arange(64)[:, None], np.arange(96), np.arange(8)[:, None, None]
    white = columns < 8 + step * (2 * frames + lines % 2)
    return np.repeat(255 * white[..., None].astype(np.uint8), 3, -1)


@pytest.mark.parametrize("degrees", [0, 90])
def test_lines_that_were_filmed_a_moment_later_are_no_comb(degrees):
    options = {"flags": "+ildct+ilme", "x264-params": "tff=1"}
    encoded = filmed(moving_edge(4), options=options)
    size = (64, 96) if degrees else (96, 64)
    shown = np.stack(list(footage(lying(encoded, degrees) if degrees else encoded, 8, size))).astype(int)
    assert shown.shape == (8, *size[::-1], 3)
    lines = np.swapaxes(shown, 1, 2) if degrees else shown
    combed = np.abs(2 * lines[:, 1:-1] - lines[:, :-2] - lines[:, 2:])
    assert combed[1:-1].mean() < 2
    # What is not interlaced passes as it is, though it looks alike.
    still = np.stack(list(footage(filmed(moving_edge(4)), 8, (96, 64))))
    np.testing.assert_allclose(still, moving_edge(4), atol=3)


def pq(light: np.ndarray) -> np.ndarray:
    """ST 2084's signal of cd/m²."""
    power = (light / 10_000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


def hlg(light: np.ndarray) -> np.ndarray:
    """BT.2100's signal of a grey of cd/m² on a screen of 1,000."""
    scene = (light / 1000) ** (1 / 1.2)
    return np.where(
        scene <= 1 / 12,
        np.sqrt(3 * scene),
        0.17883277 * np.log(np.maximum(12 * scene, 1) - 0.28466892) + 0.55991073,
    )


@pytest.mark.parametrize(("curve", "signal"), [(16, pq), (18, hlg)])
def test_what_is_no_brighter_than_paper_looks_in_high_dynamic_range_as_ever_and_what_is_keeps_its_order(
    curve, signal
):
    greys = np.array([10, 40, 80, 120, 160, 200, 225])
    light = 203 * np.where(greys > 10, ((greys / 255 + 0.055) / 1.055) ** 2.4, greys / 255 / 12.92)
    light = np.append(light, [203, 400, 700, 1000])
    columns = np.repeat(np.round(65535 * signal(light)).astype(np.uint16), 8)
    frames = np.broadcast_to(columns[None, None, :, None], (2, 16, len(columns), 3))
    told = {"color_trc": curve, "color_primaries": 9, "colorspace": 9}
    encoded = filmed(np.ascontiguousarray(frames), kind="yuv444p10le", **told)
    (shown, _) = footage(encoded, 2, (len(columns), 16))
    seen = shown[8, 4::8].astype(int)
    np.testing.assert_allclose(seen[: len(greys)], np.repeat(greys[:, None], 3, 1), atol=4)
    brighter = seen[len(greys) - 1 :, 1]
    assert all(np.diff(brighter) > 0)
    assert brighter[-1] <= 255
