"""What is told of memory: it grows with a video until windows bound it."""

from dataclasses import replace

import pytest

from isa_engine.configuration import model_config
from isa_engine.configuration.policies import LATENTS_IN_MEMORY, Policy
from isa_engine.cost.generation import Work
from isa_engine.cost.memory import memory_beside
from isa_engine.geometry.frames import frames_before
from isa_engine.geometry.surface import POINTS

WHOLE = replace(model_config("isa-tiny"), dit=replace(model_config("isa-tiny").dit, temporal_window=None))
# Where a step of denoising, and not a decoded piece, takes the most.
WORK = Work(33, 128, 128, 4, 12, 2.5)


def needed(config, frames: int) -> float:
    return memory_beside(config, replace(WORK, frames=frames))


def test_without_windows_twice_the_video_takes_twice_the_memory():
    assert needed(WHOLE, 961) == pytest.approx(2 * needed(WHOLE, 481), rel=0.01)


def test_with_windows_a_video_that_fills_all_layers_grows_by_its_shot_and_latents_alone():
    tiny = model_config("isa-tiny")
    assert needed(tiny, 497) < needed(WHOLE, 497) / 3
    grown, whole = (needed(config, 2001) - needed(config, 497) for config in (tiny, WHOLE))
    # The shot's points and those of its conditions, floats, of four people; the rest is latents and rays.
    points = 4 * (3 * POINTS + 6 * 256) * 4 * (2001 - 497)
    assert points < grown < 1.3 * points < 0.02 * whole


def test_points_that_are_kept_are_counted_frame_by_frame_as_far_as_they_stay_in_memory():
    tiny, kept = model_config("isa-tiny"), replace(WORK, policy=Policy(points=2))
    more = [
        memory_beside(tiny, replace(kept, frames=n)) - memory_beside(tiny, replace(WORK, frames=n))
        for n in (101, 201, 1001, 2001)
    ]
    # A layer's points, in single precision; those of later latents are on the disk.
    of_frame = 4 * 256 * tiny.dit.width * tiny.dit.layers * 4
    most = frames_before(LATENTS_IN_MEMORY)
    assert more == [101 * of_frame, 201 * of_frame, most * of_frame, most * of_frame]


@pytest.mark.parametrize("frames", [9, 33])
def test_where_a_window_covers_the_video_it_takes_what_it_took(frames):
    assert needed(model_config("isa-tiny"), frames) == needed(WHOLE, frames)
