"""Samples are made once, kept as they were, and mixed into batches of one length and canvas."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from isa_engine.data.clips.clip_batch import ClipBatch, batch_of
from isa_engine.data.clips.sources import KeptVideos, synthetic_clips, synthetic_humans
from isa_engine.data.samples.encoding import condition_clip, encode_batch
from isa_engine.data.samples.sources import Batches, KeptSamples, Samples
from isa_engine.data.samples.staged_batch import stage_clips
from isa_engine.geometry.camera import modelview_projection
from isa_engine.pipeline.isa.model import build_model
from isa_engine.pipeline.isa.references import identity, picture_latents
from isa_engine.pipeline.isa.staging import stage
from isa_engine.pipeline.pictures import to_frames
from isa_engine.training.dit.dit_and_tower import DiTAndTower
from tests.pipeline.shots import MICRO

SIZE = 5, 32, 48
# Of a picture: its class token and its patches.
TOKENS = 1 + (MICRO.image_tower.size // MICRO.image_tower.patch) ** 2


def samples() -> Samples:
    points = MICRO.dit.points
    return Samples(build_model(MICRO, None, "cpu"), synthetic_clips(points, "cpu"), points)


def test_a_kept_sample_is_what_was_made_and_is_made_once(tmp_path):
    make, made = samples(), []

    def watched(seeds, *size):
        made.extend(seeds)
        return make(seeds, *size)

    kept = KeptSamples(watched, tmp_path, count=6)
    first, again = kept([7], *SIZE), kept([4], *SIZE)
    assert made == [1]
    for latents, conditioning, pictures in (first, again):
        truth, conditions, shown = make([1], *SIZE)
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
    expected = condition_clip(clips(3, *SIZE), model)
    _, conditioning, pictures = samples()([3], *SIZE)
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
    told, open_ = condition_clip(known, model), condition_clip(unknown, model)
    assert told.cameras.any()
    assert not open_.cameras.any()
    assert torch.equal(told.ndc, open_.ndc)


@pytest.fixture(scope="module")
def casts():
    """Clips of one to four people, filmed together and apart in their references."""
    humans = synthetic_humans(MICRO.dit.points, "cpu")
    cast = {0: 1, 1: 3, 2: 2, 3: 4, 6: 2, 5: 4}
    clips = [humans.clip(seed, *SIZE, characters=count) for seed, count in cast.items()]
    assert {len(clip.references) for clip in clips} >= {1, 2, 4}
    return clips


def told_one_by_one(model, clip):
    """The conditions of one clip, each by the part that makes a shot's, and its latents."""
    arrays = {name: value.numpy() for name, value in vars(clip).items() if isinstance(value, torch.Tensor)}
    staging = stage(
        arrays["points"][None],
        arrays["intrinsics"][None],
        arrays["camera_to_world"][None],
        *(side // model.config.multiple for side in SIZE[1:]),
    )
    pictures = [Image.fromarray(frame) for frame in to_frames(clip.references.transpose(0, 1)[None])]
    mvp = modelview_projection(arrays["reference_intrinsics"], arrays["reference_camera_to_world"])
    said = []
    for k, picture in enumerate(arrays["reference_of"]):
        beside = (arrays["reference_of"] == picture) & (np.arange(len(clip.reference_of)) != k)
        others = arrays["reference_points"][beside].reshape(-1, 3)
        said.append(identity(model, pictures[picture], arrays["reference_points"][k], mvp[picture], others))
    whole = picture_latents(model, clip.references[0])
    return {
        **vars(staging),
        "identity": torch.cat([features for features, _ in said])[None],
        "identity_known": torch.cat([known for _, known in said])[None],
        "reference_latents": (whole if len(pictures) == 1 else torch.zeros_like(whole))[None],
        "background_latents": model.vae.normalise(model.vae.encode(clip.background[None]).mode()),
        "latents": model.vae.normalise(model.vae.encode(clip.video[None]).mode()),
        "pictures": model.image_tower.fit(clip.references)[None],
    }


@torch.no_grad()
def test_a_mixed_batch_says_of_each_clip_what_is_said_of_it_alone(casts):
    """But for pictures' eight bits; and nobody is where a cast is smaller than the batch's largest."""
    model = build_model(MICRO, None, "cpu")
    batch = ClipBatch.concatenate([batch_of(clip) for clip in casts])
    latents, conditioning, pictures = encode_batch(model, stage_clips(batch, model))
    made = {**vars(conditioning), "latents": latents, "pictures": pictures}
    for k, clip in enumerate(casts):
        for name, truth in told_one_by_one(model, clip).items():
            value, truth = made[name][k], truth[0]
            there = tuple(slice(size) for size in truth.shape)
            exact = name in ("points", "ndc", "visible", "owners", "cameras", "identity_known")
            # Half a level of 255, through an encoder of random weights; a close-up's is rounded twice more.
            torch.testing.assert_close(value[there], truth, atol=0 if exact else 0.02, rtol=0, msg=name)
            rest = value.clone()
            rest[there] = 0
            assert not rest.any(), name
        assert conditioning.image_known[k].sum() == TOKENS * len(clip.references)
