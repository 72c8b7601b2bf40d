"""A ring holds what a run draws, in the measure in which it does."""

import dataclasses

import pytest

from isa_engine.training.configuration import DiTTraining, VAETraining
from isa_engine.training.ring.ring import slot_type
from isa_engine.training.ring.shelves import draws_of_dit, draws_of_vae, layout_for

SETTINGS = DiTTraining(
    batch=128, frames=(1, 9, 9, 9, 9, 9, 17, 17, 17, 33), sizes=("128x128",) * 7 + ("224x128", "128x224")
)


def test_batches_are_of_as_many_latent_frames_and_shares_are_the_recipes():
    draws = draws_of_dit(SETTINGS)
    assert sum(draw.share for draw in draws) == pytest.approx(1)
    assert {draw.frames: draw.clips for draw in draws} == {1: 128, 9: 42, 17: 25, 33: 14}
    squares = sum(draw.share for draw in draws if draw.width == draw.height)
    assert squares == pytest.approx(7 / 9)
    assert sum(draw.share for draw in draws if draw.frames == 9) == pytest.approx(0.5)


def test_single_frames_are_taken_from_the_shortest_clips():
    assert {draw.frames: draw.length for draw in draws_of_dit(SETTINGS)} == {1: 9, 9: 9, 17: 17, 33: 33}
    pictures = dataclasses.replace(SETTINGS, frames=(1,))
    assert {draw.length for draw in draws_of_dit(pictures)} == {1}


def test_every_frame_is_drawn_equally_often_and_shelves_are_as_large_as_what_is_written_to_them():
    size, draws = 4 * 2**30, draws_of_dit(SETTINGS)
    layout = layout_for(draws, 128, 15, size, 15.0, 0)
    assert len(layout.shelves) == 9
    assert sum(shelf.share for shelf in layout.shelves) == pytest.approx(1)
    taken = sum(shelf.slots * slot_type(shelf, 128).itemsize for shelf in layout.shelves)
    assert 0.9 * size < taken < 1.1 * size
    for shelf in layout.shelves:
        kind = shelf.frames, shelf.width, shelf.height
        own = [draw for draw in draws if (draw.length, draw.width, draw.height) == kind]
        drawn = sum(draw.share * draw.clips * draw.frames for draw in own)
        expected = drawn / (shelf.share * shelf.frames)
        if shelf == layout.shelves[0]:
            ratio = expected
        assert expected == pytest.approx(ratio)
        assert shelf.slots >= 15


def test_an_autoencoder_draws_what_its_augmentations_cut():
    settings = VAETraining(frames=(9, 17), steps=(3, 1), batch=4, height=64, width=96, shift=8, fastest=1.5)
    assert [dataclasses.astuple(draw) for draw in draws_of_vae(settings)] == [
        (9, 13, 104, 72, 4, 0.75),
        (17, 25, 104, 72, 4, 0.25),
    ]
