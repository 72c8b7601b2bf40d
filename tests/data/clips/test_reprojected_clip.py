"""A clip's people in the colours that their references show of them, and what a model is told of that."""

from dataclasses import replace

import pytest
import torch

from isa_engine.data.clips.clip import Clip
from isa_engine.data.clips.clip_batch import batch_of, eight_bits
from isa_engine.data.clips.reprojected_clip import reprojected_clip
from isa_engine.data.clips.sources import synthetic_clips, synthetic_humans
from isa_engine.data.samples.encoding import condition_clip, encode
from isa_engine.data.samples.sources import Samples
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


@pytest.fixture(scope="module")
def humans():
    return synthetic_humans(POINTS, "cpu")


@torch.no_grad()
def test_a_sample_and_a_measured_clip_are_told_the_same_reprojection(model, clips):
    clip, points = clips(3, *SIZE), MICRO.dit.points
    expected = encode(model, reprojected_clip(clip)[None])
    assert torch.equal(condition_clip(clip, model).reprojected_latents, expected)
    _, conditioning, _ = Samples(model, clips, points)([2, 3], *SIZE)
    torch.testing.assert_close(conditioning.reprojected_latents[1:], expected, atol=1e-5, rtol=0)
    assert not torch.allclose(conditioning.reprojected_latents, conditioning.background_latents, atol=1e-2)


@torch.no_grad()
def test_a_model_that_does_not_ask_for_it_is_told_of_no_reprojection(clips):
    plain = build_model(MICRO, None, "cpu")
    told = condition_clip(clips(3, *SIZE), plain)
    _, conditioning, _ = Samples(plain, clips, MICRO.dit.points)([3], *SIZE)
    for each in (told, conditioning):
        assert torch.equal(each.reprojected_latents, each.background_latents)


@pytest.mark.parametrize("seed", [0, 2, 3])
def test_people_are_more_like_themselves_than_the_background_is(humans, seed):
    """Lit otherwise, in another pose, seen from another side; and the background stays where they are not."""
    clip = humans.clip(seed, 1, 96, 96)
    made, truth, background = reprojected_clip(clip), clip.video, clip.background
    assert made.shape == truth.shape
    cast = (clip.mask != 0).expand_as(truth)
    apart, before = ((each - truth)[cast].square().mean() for each in (made, background))
    assert apart < before
    changed = ((made - background).abs() > 1.01 / 255).any(0)
    beside = torch.nn.functional.max_pool2d((clip.mask != 0).float(), 9, 1, 4) == 0
    assert changed.any()
    assert not changed[beside].any()


@pytest.mark.parametrize("seed", [2, 3, 6])
def test_a_picture_of_the_scene_itself_tells_more_than_one_of_another_day(humans, seed):
    """How much of an error the cast still has, against the background's."""

    def left(clip: Clip) -> torch.Tensor:
        cast = (clip.mask != 0).expand_as(clip.video)
        apart, before = (
            (each - clip.video)[cast].square().mean() for each in (reprojected_clip(clip), clip.background)
        )
        return apart / before

    own = humans.clip_with_its_own_picture(seed, 2, 96, 96, later=6)
    assert left(own) < left(humans.clip(seed, 2, 96, 96))


def test_a_clips_own_picture_is_its_scene_so_many_frames_later(humans):
    """What is a clip of more frames to one seed is its end to the other: cast and light are the same."""
    clip = humans.clip_with_its_own_picture(2, 3, 48, 48, later=4)
    longer = humans.clip(2, 7, 48, 48)
    assert clip.video.shape[1] == len(clip.points) == len(clip.intrinsics) == 3
    assert torch.equal(clip.points, longer.points[:3])
    assert torch.equal(clip.reference_points, longer.points[6])
    assert torch.equal(clip.reference_camera_to_world[0], longer.camera_to_world[6])
    # How finely people are drawn depends on all frames of a clip.
    assert (clip.video - longer.video[:, :3]).abs().mean() < 0.01
    assert (clip.references[0] - longer.video[:, 6]).abs().mean() < 0.01
    assert not clip.reference_of.any()


def test_a_clip_of_fewer_points_has_no_triangles_and_nobody_is_reprojected(clips):
    whole = clips(3, *SIZE)
    fewer = whole.first_points(MICRO.dit.points)
    assert whole.first_points(POINTS) is whole
    assert whole.triangles is not None
    assert fewer.triangles is None
    assert (
        fewer.points.shape[2] == fewer.normals.shape[2] == fewer.reference_points.shape[1] == MICRO.dit.points
    )
    assert torch.equal(batch_of(fewer).reprojected, batch_of(fewer).background)
    assert torch.equal(batch_of(whole).reprojected[0], eight_bits(reprojected_clip(whole)))
