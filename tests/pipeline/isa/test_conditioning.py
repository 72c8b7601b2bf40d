"""What the network is told of a shot, and what it is not told."""

import dataclasses
import struct
import zlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_engine.dit.background_gate import BackgroundGate
from isa_engine.errors import ShotError
from isa_engine.geometry.frames import extended_count
from isa_engine.pipeline.isa import staging
from isa_engine.pipeline.isa.conditioning import condition_shot
from isa_engine.pipeline.isa.reprojection import reprojected_frame, textures_of
from isa_engine.pipeline.pictures import to_video
from isa_engine.shot import ReferencePose, Shot
from tests.movies import read_video
from tests.pipeline.shots import ball, footage, make_shot, picture


def assert_same(a, b, tolerance: float, of_identity: float | None = None) -> None:
    for field in dataclasses.fields(a):
        one, other = getattr(a, field.name).float(), getattr(b, field.name).float()
        allowed = of_identity if field.name == "identity" and of_identity else tolerance
        torch.testing.assert_close(one, other, atol=allowed, rtol=0, msg=lambda m, f=field: f"{f.name}: {m}")


def turned(angle: float, place: tuple) -> np.ndarray:
    transform = np.eye(4)
    transform[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    transform[:3, 3] = place
    return transform


@settings(deadline=None, max_examples=15)
@given(angle=st.floats(-3.2, 3.2), place=st.tuples(*[st.floats(-50, 50)] * 3))
def test_moving_or_turning_the_whole_set_changes_nothing(model, angle, place):
    here = condition_shot(make_shot(), model)
    there = condition_shot(make_shot(transform=turned(angle, place)), model)
    # Far from the origin a close-up begins a millionth of a pixel elsewhere: a colour may round otherwise.
    assert_same(here, there, 2e-4, of_identity=2e-3)


def test_a_character_that_is_never_in_front_of_the_camera_changes_nothing(model):
    shot = make_shot()
    # With a picture of its own.
    behind = make_shot(centres=((-0.6, 0, 0), (0.7, 0.4, 0.1), (0, -9, 0)))
    assert len(behind.references) == 3
    assert_same(condition_shot(shot, model), condition_shot(behind, model), 0)


@pytest.mark.parametrize("at_once", [1, 3, 4])
def test_a_few_frames_at_a_time_are_staged_as_all_at_once_bit_for_bit(model, monkeypatch, at_once):
    shot = make_shot(9)
    whole = condition_shot(shot, model)
    monkeypatch.setattr(staging, "_STAGED_AT_ONCE", at_once)
    found = condition_shot(shot, model)
    assert_same(found, whole, 0)
    # Sums over what lies in another order in memory have other bits.
    for name in ("points", "ndc", "visible", "cameras"):
        assert getattr(found, name).stride() == getattr(whole, name).stride()


def test_a_character_is_not_seen_on_the_frames_on_which_it_is_hidden(model):
    shot = make_shot(5)
    first, second = shot.characters
    hidden = dataclasses.replace(second, shown=np.array([True, True, False, False, True]))
    whole = condition_shot(shot, model)
    partly = condition_shot(dataclasses.replace(shot, characters=(first, hidden)), model)
    of_second = slice(whole.visible.shape[2] // 2, None)
    assert not partly.visible[:, 2:4, of_second].any()
    expected = whole.visible.clone()
    expected[:, 2:4, of_second] = False
    torch.testing.assert_close(partly.visible, expected)
    torch.testing.assert_close(partly.points, whole.points)


def test_a_shot_whose_cast_is_all_behind_the_camera_still_has_a_camera(model):
    empty = condition_shot(make_shot(centres=((0, -9, 0),)), model)
    assert empty.points.shape[2] == 0
    assert empty.cameras.abs().sum() > 0


@pytest.mark.parametrize(("frames", "extended"), [(1, 1), (2, 5), (5, 5), (6, 9)])
def test_a_range_is_extended_to_whole_windows_by_its_last_frame(model, frames, extended):
    conditions = condition_shot(make_shot(frames), model)
    assert conditions.points.shape[1] == extended
    for k in range(frames, extended):
        assert torch.equal(conditions.ndc[:, k], conditions.ndc[:, frames - 1])


def test_each_characters_identity_comes_from_its_own_picture_alone(model):
    shot = make_shot()
    repainted = dataclasses.replace(shot, references=(shot.references[0], picture(seed=9)))
    before, after = condition_shot(shot, model).identity, condition_shot(repainted, model).identity
    first, second = before.chunk(2, 1), after.chunk(2, 1)
    assert torch.equal(first[0], second[0])
    assert not torch.allclose(first[1], second[1])


def test_whom_another_hides_in_a_shared_picture_is_not_known_there(model):
    """Only where one camera saw both: two cameras' depths say nothing of each other."""
    shot = make_shot(references="all")
    near, far = shot.characters
    eye = shot.camera_to_world[0, :3, 3]
    pose = dataclasses.replace(far.reference, points=eye + 1.5 * (near.reference.points - eye))

    def known(pose: ReferencePose) -> list[bool]:
        cast = near, dataclasses.replace(far, reference=pose)
        conditions = condition_shot(dataclasses.replace(shot, characters=cast), model)
        return [bool(half.any()) for half in conditions.identity_known.chunk(2, 1)]

    assert known(pose) == [True, False]
    assert known(dataclasses.replace(pose, mvp=2 * pose.mvp)) == [True, True]


def test_a_portrait_and_a_landscape_picture_keep_their_own_shapes(model):
    """A squeezed portrait would be encoded at the shot's shape and lose detail; its tokens would not fit."""
    shot = make_shot()
    shot = dataclasses.replace(shot, references=(picture(30, 90), picture(90, 30)))
    conditions = condition_shot(shot, model)
    assert conditions.identity_known.all()
    assert conditions.image_tokens.shape[1] == 2 * model.image_tower.token_count


def test_the_frames_reference_alone_is_concatenated_with_the_latents(model):
    assert condition_shot(make_shot(references="all"), model).reference_latents.abs().sum() > 0
    assert condition_shot(make_shot(references="each"), model).reference_latents.abs().sum() == 0


def test_without_pictures_nobody_is_known(model):
    conditions = condition_shot(make_shot(references="none"), model)
    assert not conditions.identity_known.any()
    assert conditions.image_tokens.shape[1] == 0


def test_a_cast_may_mix_those_with_and_without_a_picture(model):
    shot = make_shot()
    second = dataclasses.replace(shot.characters[1], reference=None)
    conditions = condition_shot(dataclasses.replace(shot, characters=(shot.characters[0], second)), model)
    known, unknown = conditions.identity_known.chunk(2, 1)
    assert known.all()
    assert not unknown.any()
    assert conditions.image_tokens.shape[1] == model.image_tower.token_count


def test_the_points_are_a_prefix_of_the_shots(model):
    shot, count = make_shot(centres=((0, 0, 0),)), model.config.dit.points
    assert count < len(ball((0, 0, 0))[0])
    # The camera looks along +Y, so the canonical frame differs from the world by the cast's centre alone.
    points = shot.characters[0].points[:, :count]
    expected = points - points[0].mean(0)
    np.testing.assert_allclose(condition_shot(shot, model).points[0], expected, atol=1e-5)


@pytest.mark.parametrize("frames", [1, 5, 22])
def test_the_background_is_encoded_like_any_video_and_ends_with_its_last_frame(model, frames):
    video = footage(frames + 3)
    shot = dataclasses.replace(make_shot(frames), background=video)
    seen = read_video(video, frames, (48, 32))
    extended = condition_shot(make_shot(frames), model).points.shape[1]
    whole = to_video(np.concatenate([seen, np.repeat(seen[-1:], extended - frames, 0)]))
    expected = model.vae.normalise(model.vae.encode(whole).mode())
    torch.testing.assert_close(condition_shot(shot, model).background_latents, expected, atol=1e-4, rtol=0)


@pytest.fixture(scope="module")
def gated(model):
    gate = BackgroundGate(width=model.config.dit.width, patch=model.config.dit.patch)
    return dataclasses.replace(model, gate=gate)


def with_cuts(frames: int = 9) -> Shot:
    """Two balls before a background of two segments."""
    return dataclasses.replace(make_shot(frames), background=footage(frames), cuts=(4,))


@pytest.mark.parametrize("segment", [0, 1])
def test_what_is_known_of_a_segment_is_the_cast_reprojected_before_its_background(gated, segment):
    shot = with_cuts()
    found = condition_shot(shot, gated, segment)
    numbers = range(4) if segment == 0 else range(4, 9)
    frames = read_video(shot.background, 9, (48, 32))
    shown = np.stack([reprojected_frame(shot, n, frames[n], textures_of(shot)) for n in numbers])
    video = to_video(
        np.concatenate([shown, np.repeat(shown[-1:], extended_count(len(shown)) - len(shown), 0)])
    )
    expected = gated.vae.normalise(gated.vae.encode(video).mode())
    torch.testing.assert_close(found.reprojected_latents, expected, atol=1e-4, rtol=0)
    assert not torch.allclose(found.reprojected_latents, found.background_latents, atol=1e-2)


def test_all_else_that_a_model_with_a_gate_is_told_is_what_one_without_is(model, gated):
    shot = with_cuts()
    without, found = condition_shot(shot, model), condition_shot(shot, gated)
    assert torch.equal(without.reprojected_latents, without.background_latents)
    assert_same(dataclasses.replace(found, reprojected_latents=without.reprojected_latents), without, 0)


@pytest.mark.parametrize("why", ["no cast", "nobody before the camera", "no background"])
def test_where_nobody_is_reprojected_only_the_background_is_known(gated, why):
    shot = with_cuts()
    if why == "no cast":
        shot = dataclasses.replace(make_shot(9, centres=()), background=shot.background)
    elif why == "nobody before the camera":
        shot = dataclasses.replace(make_shot(9, centres=((0, -9, 0),)), background=shot.background)
    else:
        shot = dataclasses.replace(shot, background=None)
    conditions = condition_shot(shot, gated)
    assert torch.equal(conditions.reprojected_latents, conditions.background_latents)
    assert conditions.background_latents.any() == (why != "no background")


@pytest.mark.parametrize("camera", ["any", "none"])
def test_a_reference_pose_far_outside_any_picture_is_as_no_reference(gated, camera):
    shot = with_cuts()
    alone = tuple(dataclasses.replace(each, reference=None) for each in shot.characters)
    without = condition_shot(dataclasses.replace(shot, characters=alone), gated)
    assert not torch.equal(without.reprojected_latents, without.background_latents)
    mvp = shot.mvp[0] if camera == "any" else np.eye(4)
    pose = ReferencePose(0, np.full((18, 3), 1e30, np.float32), mvp)
    cast = tuple(dataclasses.replace(each, reference=pose) for each in shot.characters)
    conditions = condition_shot(dataclasses.replace(shot, characters=cast), gated)
    assert torch.equal(conditions.reprojected_latents, without.reprojected_latents)


def damaged() -> bytes:
    return picture()[:80]


def giant() -> bytes:
    return claiming(9000, 8000)


def bomb() -> bytes:
    return claiming(60000, 60000)


def strip() -> bytes:
    return claiming(4000, 40)


def claiming(width: int, height: int) -> bytes:
    """A small PNG whose header speaks of a large one."""
    png = bytearray(picture())
    png[16:24] = struct.pack(">II", width, height)
    png[29:33] = struct.pack(">I", zlib.crc32(png[12:29]))
    return bytes(png)


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (damaged, r"the picture is damaged \(reference picture of 'Ball 1'\)\. Export it again"),
        (giant, r"9000 × 8000 pixels is too large \(reference picture of 'Ball 1'\)\. Use at most"),
        (bomb, r"the picture is too large \(reference picture of 'Ball 1'\)\. Use at most"),
        (strip, r"4000 × 40 pixels is too long \(reference picture of 'Ball 1'\)\. Crop it"),
    ],
)
def test_an_unusable_picture_is_named_by_whom_it_shows(model, broken, sentence):
    shot = make_shot()
    shot = dataclasses.replace(shot, references=(shot.references[0], broken()))
    with pytest.raises(ShotError, match=sentence):
        condition_shot(shot, model)


def test_a_reference_pose_far_outside_any_picture_is_harmless(model):
    shot = make_shot()
    pose = ReferencePose(0, np.full((18, 3), 1e30, np.float32), np.eye(4))
    far = dataclasses.replace(shot.characters[0], reference=pose)
    conditions = condition_shot(dataclasses.replace(shot, characters=(far, shot.characters[1])), model)
    assert not conditions.identity_known[:, : model.config.dit.points].any()


def test_a_canvas_that_does_not_suit_the_model_is_refused_with_what_would(model):
    with pytest.raises(ShotError, match=r"48 × 30 pixels.*multiples of 16"):
        condition_shot(make_shot(height=30), model)


def test_a_background_that_is_no_video_is_refused(model):
    with pytest.raises(ShotError, match=r"the video cannot be decoded \(background\)\..*H\.264"):
        condition_shot(dataclasses.replace(make_shot(), background=b"no video at all"), model)


def test_a_background_that_is_too_short_says_so(model):
    with pytest.raises(ShotError, match=r"the video has 3 frames and the shot 5 \(background\)"):
        condition_shot(dataclasses.replace(make_shot(5), background=footage(3)), model)
