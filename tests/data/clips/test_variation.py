"""A clip shown as another is still one clip: what is told of it is what its pictures show."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_engine.data.clips.clip_batch import AXES, ClipBatch, batch_of
from isa_engine.data.clips.sources import synthetic_humans
from isa_engine.data.clips.variation import Variation
from isa_engine.data.samples.encoding import encode_batch
from isa_engine.data.samples.staged_batch import stage_clips
from isa_engine.pipeline.isa.model import build_model
from tests.pipeline.shots import MICRO

SIZE = 9, 48, 64


@pytest.fixture(scope="module")
def humans():
    return synthetic_humans(64, "cpu")


@pytest.fixture(scope="module")
def clips(humans):
    return [humans.clip(seed, *SIZE, characters=count) for seed, count in enumerate((1, 2, 3))]


@pytest.fixture(scope="module")
def batch(clips):
    clips[1] = dataclasses.replace(clips[1], camera_known=False)
    return ClipBatch.concatenate([batch_of(clip) for clip in clips])


@pytest.fixture(scope="module")
def model():
    return build_model(MICRO, None, "cpu")


def varied(clips: int, frames: int = SIZE[0], **changes) -> Variation:
    changes = {name: torch.tensor(value) for name, value in changes.items()}
    return dataclasses.replace(Variation.none(clips, frames), **changes)


def in_time(batch: ClipBatch, variation: Variation) -> ClipBatch:
    """A batch's moments, drawn as a ring draws them."""
    clip, moments = torch.arange(len(batch))[:, None], variation.moments()
    drawn = {name: getattr(batch, name)[clip, moments] for name in AXES if AXES[name][:1] == "F"}
    return dataclasses.replace(batch, **drawn)


def coloured(pictures: torch.Tensor) -> torch.Tensor:
    return pictures.permute(0, 4, 1, 2, 3).float() / 127.5 - 1


def test_mirrored_points_lie_on_the_mirrored_picture(batch, model):
    """On the person's own pixels of the mask, mirrored as the video is, as often as unmirrored ones do on
    their own; and at minus x of where they were."""
    mirror = varied(3, mirrored=[True] * 3)
    plain, mirrored = stage_clips(batch, model), stage_clips(batch, model, mirror)
    torch.testing.assert_close(mirrored.ndc[..., 0], -plain.ndc[..., 0], atol=1e-5, rtol=0)
    torch.testing.assert_close(mirrored.ndc[..., 1:], plain.ndc[..., 1:], atol=1e-5, rtol=0)
    assert torch.equal(mirrored.visible, plain.visible)

    def on_the_cast(ndc, visible, mask):
        height, width = mask.shape[-2:]
        column = ((ndc[..., 0] + 1) / 2 * width).long().clamp(0, width - 1)
        row = ((1 - ndc[..., 1]) / 2 * height).long().clamp(0, height - 1)
        clip = torch.arange(len(ndc))[:, None, None]
        frame = torch.arange(ndc.shape[1])[:, None]
        hits = (mask > 0)[clip, frame, row, column] & (ndc[..., :2].abs() <= 1).all(-1) & visible
        return (hits.sum() / visible.sum()).item()

    shown = mirror.pictures(batch.mask[:, None].float())[:, 0]
    share = on_the_cast(plain.ndc, plain.visible, batch.mask)
    assert share > 0.5
    # A point on the border of two pixels may fall to the other one.
    assert on_the_cast(mirrored.ndc, mirrored.visible, shown) == pytest.approx(share, abs=0.02)
    assert on_the_cast(mirrored.ndc, mirrored.visible, batch.mask) < 0.8 * share


def test_mirrored_cameras_are_rigid_and_tell_of_the_mirrored_world(batch):
    mirrored = varied(3, mirrored=[True, False, True]).in_space(batch)
    rotation = mirrored.camera_to_world[..., :3, :3]
    torch.testing.assert_close(rotation @ rotation.mT, torch.eye(3).expand_as(rotation), atol=1e-5, rtol=0)
    assert (torch.linalg.det(rotation) > 0.99).all()
    for name in AXES:
        assert torch.equal(getattr(mirrored, name)[1], getattr(batch, name)[1]), name
    assert torch.equal(mirrored.camera_known, batch.camera_known)


@torch.no_grad()
def test_a_mirrored_clip_is_told_as_one_that_was_filmed_mirrored(clips, batch, model):
    """Conditions, pictures and latents of the mirrored batch are those of clips whose world is mirrored."""

    def in_a_mirror(clip):
        turn = torch.diag(torch.tensor([-1.0, 1, 1, 1]))
        axis, shift = torch.tensor([-1.0, 1, 1]), torch.tensor([1.0, 1, -1, 1])
        return dataclasses.replace(
            clip,
            **{name: getattr(clip, name).flip(-1) for name in ("video", "background", "mask", "references")},
            **{name: getattr(clip, name) * axis for name in ("points", "normals", "reference_points")},
            **{name: getattr(clip, name) * shift for name in ("intrinsics", "reference_intrinsics")},
            **{
                name: turn @ getattr(clip, name) @ turn
                for name in ("camera_to_world", "reference_camera_to_world")
            },
        )

    truth = ClipBatch.concatenate([batch_of(in_a_mirror(clip)) for clip in clips])
    expected = encode_batch(model, stage_clips(truth, model))
    made = encode_batch(model, stage_clips(batch, model, varied(3, mirrored=[True] * 3)))
    for one, other in zip((made[0], made[2]), (expected[0], expected[2]), strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=0)
    for field in dataclasses.fields(made[1]):
        one, other = getattr(made[1], field.name), getattr(expected[1], field.name)
        if field.name == "identity_known":
            # Whether somebody stands before a point may turn on the last digit.
            assert (one == other).float().mean() > 0.99
        elif field.name == "identity":
            # A close-up's pixels are rounded to levels, which last digits may change by one.
            torch.testing.assert_close(one, other, atol=5e-3, rtol=0)
        else:
            torch.testing.assert_close(one.float(), other.float(), atol=1e-4, rtol=0, msg=field.name)


@torch.no_grad()
@settings(deadline=None, max_examples=6)
@given(first=st.integers(0, 4), frames=st.sampled_from([1, 5]), backwards=st.booleans())
def test_a_window_is_told_as_a_clip_of_its_own(clips, batch, model, first, frames, backwards):
    """With its own canonical frame, its own windows of latents, and its last frame first if backwards."""
    moments = slice(first, first + frames)

    def cut(video: torch.Tensor, axis: int) -> torch.Tensor:
        part = video[(slice(None),) * axis + (moments,)]
        return part.flip(axis) if backwards else part

    alone = [
        dataclasses.replace(
            clip,
            **{name: cut(getattr(clip, name), 1) for name in ("video", "background")},
            **{
                name: cut(getattr(clip, name), 0)
                for name in ("mask", "points", "normals", "intrinsics", "camera_to_world")
            },
        )
        for clip in clips
    ]
    truth = ClipBatch.concatenate([batch_of(clip) for clip in alone])
    expected = encode_batch(model, stage_clips(truth, model))
    variation = varied(3, frames, first=[first] * 3, backwards=[backwards] * 3)
    made = encode_batch(model, stage_clips(in_time(batch, variation), model, variation))
    assert torch.equal(made[0], expected[0])
    for field in dataclasses.fields(made[1]):
        assert torch.equal(getattr(made[1], field.name), getattr(expected[1], field.name)), field.name


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**20))
def test_other_colours_leave_greys_grey_and_are_the_same_in_all_pictures_of_a_clip(seed):
    variation = Variation.random(8, 9, 9, np.random.default_rng(seed))
    grey = torch.full((8, 3, 2, 4, 4), 0.2)
    shown = variation.pictures(grey)
    torch.testing.assert_close(shown, shown[:, :1].expand_as(shown), atol=1e-5, rtol=0)
    video = torch.rand(8, 3, 2, 4, 4, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    as_pictures = torch.stack([variation.pictures(video[:, :, k]) for k in range(2)], 2)
    assert torch.equal(variation.pictures(video), as_pictures)
    assert variation.pictures(video).abs().max() <= 1


def test_variations_differ_from_draw_to_draw_and_come_again_from_their_random_numbers():
    one, same, other = (Variation.random(64, 33, 9, np.random.default_rng(seed)) for seed in (0, 0, 1))
    for field in dataclasses.fields(one):
        if field.name != "frames":
            assert torch.equal(getattr(one, field.name), getattr(same, field.name))
            assert not torch.equal(getattr(one, field.name), getattr(other, field.name))
    assert one.first.min() >= 0
    assert one.first.max() == 24
    unchanged = (one.colours == torch.eye(3)).all(-1).all(-1).float().mean()
    assert 0.1 < unchanged < 0.4


def test_a_batch_that_is_not_varied_is_as_it_was(batch):
    plain = Variation.none(3, SIZE[0])
    video = coloured(batch.video)
    assert torch.equal(plain.pictures(video), video)
    for name in AXES:
        assert torch.equal(getattr(in_time(batch, plain), name), getattr(batch, name)), name
        assert torch.equal(getattr(plain.in_space(batch), name), getattr(batch, name)), name
