"""Footage as cameras, phones and browsers write it, looked at as players show it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_engine.data.recordings.media import encode_video
from isa_engine.sandbox import footage
from isa_engine.sandbox.media import Movie
from tests.movies import lying, timed

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
