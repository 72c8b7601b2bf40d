"""Batches from a ring: of every kind that is drawn, never twice the same, and none from nowhere."""

import numpy as np
import pytest
import torch

from isa_engine.errors import DataError
from isa_engine.pipeline.isa.model import build_model
from isa_engine.training.batches import device_batches, ring_batches
from isa_engine.training.batches.device_batches import DeviceBatches
from isa_engine.training.configuration import DiTTraining
from isa_engine.training.ring.ring import Ring
from isa_engine.training.ring.shelves import draws_of_dit, layout_for
from tests.pipeline.shots import MICRO
from tests.training.clip_sources import plain_clip
from tests.training.ring.test_ring import fill

SETTINGS = DiTTraining(batch=6, frames=(1, 5), sizes=("32x32", "48x32"))
POINTS = 4


@pytest.fixture
def ring(tmp_path):
    draws = draws_of_dit(SETTINGS)
    return Ring.create(tmp_path, layout_for(draws, POINTS, 2, 2_000_000, 3.0, 0))


@pytest.fixture
def batches(ring):
    fill(ring, 40)
    return DeviceBatches(ring, draws_of_dit(SETTINGS), build_model(MICRO, None, "cpu"), POINTS)


def test_every_kind_comes_with_as_many_latent_frames(batches):
    batches.wait()
    shapes = set()
    for number in range(16):
        latents, conditioning, pictures = batches(number)
        conditioning.check_fits(latents, MICRO.dit.patch)
        assert len(pictures) == len(latents)
        shapes.add((len(latents), *latents.shape[2:]))
    assert shapes == {(6, 1, 4, 4), (6, 1, 4, 6), (3, 2, 4, 4), (3, 2, 4, 6)}
    assert batches.latent_frames == 16 * 6


def test_fewer_points_and_smaller_batches_can_be_asked_for_later(batches):
    batches.points = 2
    batches.draws = draws_of_dit(DiTTraining(batch=2, frames=(5,), sizes=("32x32",)))
    latents, conditioning, _ = batches(7)
    assert latents.shape[:3] == (1, 16, 2)
    assert conditioning.points.shape[2] % 2 == 0
    assert conditioning.points.shape[2] <= 4 * 2


def test_a_clip_is_never_shown_twice_the_same(batches):
    batches.draws = draws_of_dit(DiTTraining(batch=2, frames=(5,), sizes=("32x32",)))
    batches.ring.versions[0][1:] = 0
    shown = [batches(number)[0] for number in range(4)]
    assert not any(torch.equal(one, other) for k, one in enumerate(shown) for other in shown[:k])


def test_latents_are_learned_from_as_often_as_asked_among_the_last(ring, monkeypatch):
    fill(ring, 40)
    monkeypatch.setattr(device_batches, "_KEPT", 4)
    batches = DeviceBatches(ring, draws_of_dit(SETTINGS), build_model(MICRO, None, "cpu"), POINTS, reuse=3)
    shown = [batches(number) for number in range(24)]
    new = [sample for k, sample in enumerate(shown) if not any(sample is before for before in shown[:k])]
    assert len(new) == 8
    assert all(any(sample is each for each in new) for sample in shown)
    for k, sample in enumerate(shown):
        made = new[: k // 3 + 1]
        assert any(sample is each for each in made[-4:])
        if k % 3 == 0:
            assert sample is made[-1]
    assert batches.latent_frames == 24 * 6


def test_an_empty_ring_without_a_feeder_says_where_to_look(ring, monkeypatch):
    batches = DeviceBatches(ring, draws_of_dit(SETTINGS), build_model(MICRO, None, "cpu"), POINTS)
    with pytest.raises(DataError, match=r"no clip comes.*feeder\.log"):
        batches.wait()
    # With some clips of one kind, the others are waited for no longer than a while.
    monkeypatch.setattr(ring_batches, "_FIRST_CLIPS", 0.0)
    monkeypatch.setattr(ring_batches, "is_fed", lambda folder: True)
    fill(ring, 1, plain_clip)
    batches.wait()
    frames, width, height = [(s.frames, s.width, s.height) for s in ring.layout.shelves][
        int(np.flatnonzero(ring.filled())[0])
    ]
    latents, *_ = batches(0)
    assert latents.shape[-2:] == (height // 8, width // 8)
    assert frames in (1, 5)
