"""Which frames a latent stands for (Eq. 9, the causal VAE's own windows)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isa_engine.geometry.frames import (
    TEMPORAL_COMPRESSION,
    extended,
    extended_count,
    latent_count,
    latent_of_frame,
    windows,
)

counts = st.integers(1, 400)


def loop(frames: int) -> list[list[int]]:
    """Frames behind each latent, one frame at a time: a latent is full after its fourth frame."""
    latents = [[0]]
    for frame in range(1, frames):
        if len(latents) == 1 or len(latents[-1]) == TEMPORAL_COMPRESSION:
            latents.append([])
        latents[-1].append(frame)
    return latents


def test_nine_frames():
    assert windows(9).tolist() == [[0, 0, 0, 0], [1, 2, 3, 4], [5, 6, 7, 8]]
    assert latent_of_frame(9).tolist() == [0, 1, 1, 1, 1, 2, 2, 2, 2]


@given(counts)
def test_each_latent_has_its_own_frames_in_order(frames):
    latents = loop(frames)
    assert latent_count(frames) == len(latents)
    assert latent_of_frame(frames).tolist() == [j for j, window in enumerate(latents) for _ in window]


@given(counts)
def test_an_extended_range_fills_its_windows_and_is_the_shortest(frames):
    count = extended_count(frames)
    assert frames <= count < frames + TEMPORAL_COMPRESSION
    assert latent_count(count) == latent_count(frames)
    table = windows(count)
    assert table.shape == (latent_count(frames), TEMPORAL_COMPRESSION)
    assert [sorted(set(window)) for window in table.tolist()] == loop(count)


@given(counts)
def test_windows_and_latents_agree_on_every_frame(frames):
    latent = latent_of_frame(extended_count(frames))
    for j, window in enumerate(windows(extended_count(frames))):
        assert (latent[window] == j).all()


@given(counts)
def test_a_range_that_fills_no_whole_window_must_be_extended_first(frames):
    if frames % TEMPORAL_COMPRESSION != 1:
        with pytest.raises(ValueError, match=f"{frames} frames"):
            windows(frames)


@given(counts)
def test_repeating_the_last_frame_and_trimming_gives_back_the_frames_asked_for(frames):
    asked = np.arange(100, 100 + frames)
    shown = extended(asked)
    assert shown[-1] == asked[-1]
    # A decoder that returns each window's frames returns the asked ones first.
    table = windows(len(shown))
    decoded = np.concatenate([shown[table[0, :1]], shown[table[1:]].ravel()])
    assert np.array_equal(decoded[:frames], asked)
