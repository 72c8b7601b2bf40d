"""What a part of a take costs that is made again: what goes through the networks, and no more."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isa_engine.configuration import model_config
from isa_engine.configuration.policies import POLICIES
from isa_engine.cost.generation import Work, generation, seen, step
from isa_engine.cost.memory import memory_beside
from isa_engine.geometry.frames import Made, latent_count
from isa_engine.geometry.surface import POINTS
from isa_engine.geometry.temporal_windows import CONTEXT, seen_with

TINY = model_config("isa-tiny")
TAKE = Work(241, 224, 128, 2, 16, 2.5, POLICIES["forecast"])
# Frames 80 to 96, and one latent on either side.
AGAIN = replace(TAKE, made=(Made(241, 19, 26),))


def test_a_take_that_is_made_whole_costs_what_it_costs_without_being_told_so():
    whole = replace(TAKE, made=(Made(241, 0, latent_count(241)),))
    assert generation(TINY, whole) == generation(TINY, TAKE)
    assert memory_beside(TINY, whole) == memory_beside(TINY, TAKE)


def test_only_what_is_made_and_must_be_seen_is_denoised_and_all_is_encoded_and_decoded():
    again, whole = generation(TINY, AGAIN), generation(TINY, TAKE)
    assert (again["encode"], again["decode"]) == (whole["encode"], whole["decode"])
    assert seen(TINY, AGAIN) == [26 - 19 + 2 * CONTEXT]
    assert step(TINY, AGAIN) == step(TINY, replace(TAKE, frames=4 * (seen(TINY, AGAIN)[0] - 1) + 1))
    assert again["denoise"] < 0.27 * whole["denoise"]
    assert memory_beside(TINY, AGAIN) < memory_beside(TINY, TAKE)


def test_segments_between_cuts_add_up_and_the_longest_tells_the_memory():
    long, short = Made(121, 0, 31), Made(41, 0, 11)
    cut = replace(TAKE, frames=162, made=(long, short))
    parts = [replace(TAKE, frames=made.frames) for made in (long, short)]
    denoised = [generation(TINY, each)["denoise"] for each in (cut, *parts)]
    assert denoised[0] == sum(denoised[1:])
    # Beside it is the rest of the shot: the points of two people in single precision.
    shot = 2 * 3 * POINTS * 4 * short.frames
    assert memory_beside(TINY, cut) == memory_beside(TINY, parts[0]) + shot


def test_a_model_without_windows_sees_the_segment_whole():
    small = model_config("isa-small")
    assert seen(small, AGAIN) == [latent_count(241)]
    assert generation(small, AGAIN) == generation(small, TAKE)


@pytest.mark.parametrize("window", [None, 1, 9])
@given(data=st.data(), latents=st.integers(1, 60))
def test_what_is_seen_holds_what_is_made_and_its_surroundings(window, data, latents):
    first = data.draw(st.integers(0, latents - 1))
    last = data.draw(st.integers(first + 1, latents))
    begin, end = seen_with(first, last, latents, window)
    assert 0 <= begin <= max(0, first - CONTEXT)
    assert min(latents, last + CONTEXT) <= end <= latents
    assert end - begin >= min(latents, window or latents)
