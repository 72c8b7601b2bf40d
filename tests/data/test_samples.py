"""Samples are made once, kept as they were, and mixed into batches of one length and canvas."""

import dataclasses

import torch

from isa_engine.data.samples import Batches, KeptSamples, Samples, condition
from isa_engine.data.sources import KeptVideos, synthetic_clips
from isa_engine.pipeline.model import build_model
from isa_engine.training.dit_and_tower import DiTAndTower
from tests.pipeline.shots import MICRO

SIZE = 5, 32, 48
# Of a picture: its class token and its patches.
TOKENS = 1 + (MICRO.image_tower.size // MICRO.image_tower.patch) ** 2


def samples() -> Samples:
    return Samples(build_model(MICRO, None, "cpu"), synthetic_clips(MICRO.dit.points, "cpu"))


def test_a_kept_sample_is_what_was_made_and_is_made_once(tmp_path):
    make, made = samples(), []

    def watched(seed, *size):
        made.append(seed)
        return make(seed, *size)

    kept = KeptSamples(watched, tmp_path, count=6)
    first, again = kept(7, *SIZE), kept(4, *SIZE)
    assert made == [1]
    for latents, conditioning, pictures in (first, again):
        truth, conditions, shown = make(1, *SIZE)
        assert torch.equal(latents, truth)
        assert torch.equal(pictures, shown)
        for field in dataclasses.fields(conditions):
            assert torch.equal(getattr(conditioning, field.name), getattr(conditions, field.name)), field.name


def test_a_batch_has_one_length_and_canvas_and_comes_again_from_its_seed():
    batches = Batches(samples(), 2, (1, 5), ((32, 32), (48, 32)))
    shapes = set()
    for seed in range(6):
        latents, conditioning, pictures = batches(seed)
        assert conditioning.image_tokens.shape[1] == pictures.shape[1] * TOKENS
        conditioning.check_fits(latents, MICRO.dit.patch)
        shapes.add(tuple(latents.shape))
    assert len(shapes) > 1
    again, *_ = batches(5)
    assert torch.equal(again, latents)


@torch.no_grad()
def test_training_sees_the_references_as_generating_does():
    model, clips = build_model(MICRO, None, "cpu"), synthetic_clips(MICRO.dit.points, "cpu")
    expected = condition(model, clips(3, *SIZE))
    _, conditioning, pictures = samples()(3, *SIZE)
    assert not conditioning.image_tokens.any()
    seen = DiTAndTower(model.dit, model.image_tower).seeing(conditioning, pictures)
    torch.testing.assert_close(seen.image_tokens, expected.image_tokens, atol=1e-4, rtol=0)
    assert torch.equal(seen.image_known, expected.image_known)


def test_a_kept_video_is_made_once_and_comes_back_in_eight_bits(tmp_path):
    made = []

    def make(seed, frames, height, width):
        made.append(seed)
        return torch.rand(4, frames, height, width, generator=torch.Generator().manual_seed(seed)) * 2 - 1

    kept = KeptVideos(make, tmp_path, count=2)
    first, again = kept(3, 5, 8, 8), kept(1, 5, 8, 8)
    assert made == [1]
    assert torch.equal(first, again)
    assert (first - make(1, 5, 8, 8)).abs().max() <= 0.5 / 127.5 + 1e-6


def test_nothing_is_learned_of_cameras_from_a_clip_whose_camera_is_unknown():
    model = build_model(MICRO, None, "cpu")
    known = synthetic_clips(MICRO.dit.points, "cpu")(3, *SIZE)
    unknown = dataclasses.replace(known, camera_known=False)
    told, open_ = condition(model, known), condition(model, unknown)
    assert told.cameras.any()
    assert not open_.cameras.any()
    assert torch.equal(told.ndc, open_.ndc)
