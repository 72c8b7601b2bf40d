"""A gate learns from clips whose cast is reprojected as references show it, and from some without any."""

from dataclasses import fields, replace

import pytest
import torch

from isa_engine.data.clips.clip import Clip
from isa_engine.data.clips.sources import synthetic_clips
from isa_engine.data.samples.encoding import condition_clip, encode
from isa_engine.data.samples.reprojected_clip import reprojected_clip
from isa_engine.data.samples.reprojected_samples import ReprojectedSamples
from isa_engine.geometry.surface import POINTS
from isa_engine.pipeline.isa.model import Model, build_model
from tests.pipeline.shots import MICRO

SIZE = 5, 32, 48


@pytest.fixture(scope="module")
def model() -> Model:
    return build_model(replace(MICRO, gate=True), None, "cpu")


@pytest.fixture(scope="module")
def clips():
    """Of each seed once made."""
    make, made = synthetic_clips(POINTS, "cpu"), {}

    def clip(seed: int, *size: int) -> Clip:
        if (seed, size) not in made:
            made[seed, size] = make(seed, *size)
        return made[seed, size]

    return clip


def told(sample) -> dict[str, torch.Tensor]:
    latents, conditioning, pictures = sample
    return {f.name: getattr(conditioning, f.name) for f in fields(conditioning)} | {
        "latents": latents,
        "pictures": pictures,
    }


def test_one_seed_gives_one_sample(model, clips):
    samples = ReprojectedSamples(model, clips)
    one, again, other = (told(samples([seed], *SIZE)) for seed in (3, 3, 4))
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not torch.equal(one["reprojected_latents"], other["reprojected_latents"])


def test_in_a_batch_each_is_what_it_is_alone(model, clips):
    samples = ReprojectedSamples(model, clips)
    both = told(samples([3, 4], *SIZE))
    for k, seed in enumerate((3, 4)):
        alone = told(samples([seed], *SIZE))
        for name in ("latents", "background_latents", "reprojected_latents", "reference_latents"):
            assert torch.equal(both[name][k], alone[name][0]), name


def test_of_some_clips_no_reference_is_told_and_everybody_is_grey_there(model, clips):
    """The same clip for all seeds, of a single frame."""
    samples = ReprojectedSamples(model, lambda seed, *size: clips(0, *size))
    made = [samples([seed], 1, 32, 48) for seed in range(40)]
    (latents, whole, _), told, without = made[0], [], []
    for found, conditioning, _ in made:
        assert torch.equal(found, latents)
        assert torch.equal(conditioning.background_latents, whole.background_latents)
        if conditioning.image_known.any():
            assert conditioning.identity_known.any()
            assert conditioning.image_known.all()
            told.append(conditioning.reprojected_latents)
        else:
            without.append(conditioning)
    assert 2 <= len(without) <= 14
    for conditioning in without:
        assert not conditioning.identity_known.any()
        assert torch.equal(conditioning.reprojected_latents, without[0].reprojected_latents)
        assert not torch.equal(conditioning.reprojected_latents, conditioning.background_latents)
        assert not any(torch.equal(conditioning.reprojected_latents, each) for each in told)
        assert not conditioning.reference_latents.any()


def test_latents_are_those_of_the_reprojected_clip(model, clips):
    clip = clips(3, *SIZE)
    with torch.no_grad():
        expected = encode(model, reprojected_clip(clip)[None])
    assert torch.equal(condition_clip(clip, model).reprojected_latents, expected)


@pytest.mark.parametrize("seed", [0, 2, 3])
def test_people_are_more_like_themselves_than_the_background_is(clips, seed):
    """Lit otherwise, in another pose, seen from another side; and the background stays where they are not."""
    clip = clips(seed, 1, 96, 96)
    made, truth, background = reprojected_clip(clip), clip.video, clip.background
    assert made.shape == truth.shape
    cast = (clip.mask != 0).expand_as(truth)
    apart, before = ((each - truth)[cast].square().mean() for each in (made, background))
    assert apart < before
    changed = ((made - background).abs() > 1.01 / 255).any(0)
    beside = torch.nn.functional.max_pool2d((clip.mask != 0).float(), 9, 1, 4) == 0
    assert changed.any()
    assert not changed[beside].any()


def test_a_clip_of_fewer_points_has_no_triangles_and_nobody_is_reprojected(model, clips):
    whole = clips(3, *SIZE)
    fewer = whole.first_points(MICRO.dit.points)
    assert whole.first_points(POINTS) is whole
    assert whole.triangles is not None
    assert fewer.triangles is None
    assert (
        fewer.points.shape[2] == fewer.normals.shape[2] == fewer.reference_points.shape[1] == MICRO.dit.points
    )
    conditioning = condition_clip(fewer, model)
    assert torch.equal(conditioning.reprojected_latents, conditioning.background_latents)


def test_of_all_of_a_clips_points_the_transformer_reads_as_many_as_it_does(model, clips):
    """The rest are the gate's."""
    whole, fewer = (
        condition_clip(clip, model) for clip in (clips(3, *SIZE), clips(3, *SIZE).first_points(12))
    )
    for name in ("points", "ndc", "visible", "identity", "cameras", "background_latents", "image_tokens"):
        assert torch.equal(getattr(whole, name), getattr(fewer, name)), name
    assert whole.points.shape[2] == MICRO.dit.points * clips(3, *SIZE).points.shape[1]
