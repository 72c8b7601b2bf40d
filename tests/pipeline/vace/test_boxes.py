"""People painted in boxes: the set stays outside of these, and whatever knows where is painted knows it."""

import hashlib
import json
import re
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from isa_engine.controls import box_masks, grown_masks, pose_pictures
from isa_engine.controls.masks import own_masks
from isa_engine.errors import ShotError
from isa_engine.geometry.frames import frames_before, latent_count
from isa_engine.models import vace
from isa_engine.models.vace import VACE
from isa_engine.pipeline import generate, notes
from isa_engine.pipeline.background import background_frames
from isa_engine.pipeline.generation import denoise
from isa_engine.pipeline.vace import painter
from isa_engine.pipeline.vace.passes import passes_of
from isa_engine.pipeline.vace.told import control_pictures, known_frames
from isa_engine.shot import Kept
from tests.pipeline.vace import test_passes
from tests.pipeline.vace.test_vace import ALL, FRAMES, SIZE, controls, only, shot_of_people, silent, untold


def painted_in(shot, choice="boxes"):
    return replace(shot, settings=replace(shot.settings, painted=choice))


def masks(draw, shot, size=SIZE) -> np.ndarray:
    """``(F, H, W)`` bool."""
    return np.stack(list(draw(shot, size)))[..., 0] > 127


def plate_of(latents, model, shot, span=None) -> np.ndarray:
    return np.stack(list(painter.frames(latents, model, shot, span, silent)[0]))


def test_it_is_told_to_paint_the_boxes_and_what_stands_in_them(added):
    shot = painted_in(shot_of_people(added))
    video, mask = controls(shot, ALL)
    boxes = masks(box_masks, shot)
    assert np.array_equal(mask[..., 0] > 127, boxes)
    assert (boxes & ~masks(grown_masks, shot)).any((1, 2)).all()
    assert np.array_equal(video[boxes], np.stack(list(pose_pictures(shot, SIZE)))[boxes])
    assert np.array_equal(video[~boxes], background_frames(shot, ALL)[~boxes])
    by_body = controls(painted_in(shot, "mask"), ALL)[1]
    assert np.array_equal(by_body[..., 0] > 127, masks(grown_masks, shot))


def test_outside_the_boxes_the_plate_is_the_set_to_the_pixel_and_spans_equal_the_whole(added, model):
    shot = painted_in(shot_of_people(added, cuts=(2,)))
    latents = denoise(shot, "hash", model, silent)
    assert not torch.equal(latents, denoise(painted_in(shot, "mask"), "hash", model, silent))
    plate, kept = plate_of(latents, model, shot), background_frames(shot, ALL)
    boxes, bodies = masks(box_masks, shot), masks(grown_masks, shot)
    assert 0.01 < boxes.mean() < 0.8
    assert np.array_equal(plate[~boxes], kept[~boxes])
    # Beside the bodies it is the model's, where it would be the set's.
    beside = boxes & ~bodies
    assert (plate[beside] != kept[beside]).any(-1).mean() > 0.5
    assert np.array_equal(plate_of(latents, model, painted_in(shot, "mask"))[beside], kept[beside])
    spans = [plate_of(latents, model, shot, (k, k + 1)) for k in range(latents.shape[2])]
    assert np.array_equal(np.concatenate(spans), plate)


def test_the_record_tells_boxes_from_bodies(added, model, tmp_path):
    records = {}
    for choice in ("mask", "boxes"):
        shot = painted_in(shot_of_people(added, steps=1), choice)
        result = generate(shot, model, tmp_path / choice, silent)
        records[choice] = json.loads(result.record.read_text())
        assert records[choice]["settings"]["painted"] == choice
        assert set(records[choice]["controls"]) == {"pose", choice}
    boxes = np.stack(list(box_masks(shot, SIZE)))
    assert records["boxes"]["controls"]["boxes"] == hashlib.sha256(boxes).hexdigest()
    assert records["boxes"]["controls"]["boxes"] != records["mask"]["controls"]["mask"]
    assert records["boxes"]["shot"]["sha256"] != records["mask"]["shot"]["sha256"]


@pytest.mark.parametrize("one_by_one", [False, True])
def test_it_goes_on_from_any_step_of_any_window_and_pass_to_the_same_latents(
    added, model, tmp_path, monkeypatch, one_by_one
):
    monkeypatch.setattr(vace, "CONTEXT_WINDOW", 2)
    monkeypatch.setattr(vace, "KNOWN", 1)
    shot = painted_in(test_passes.crowd(added) if one_by_one else shot_of_people(added, frames=9))
    kept = SimpleNamespace(path=tmp_path / "kept")
    kept.saved = lambda step: shutil.copy(kept.path, tmp_path / str(step))
    whole = denoise(shot, "hash", model, silent, kept)
    # Two steps of two windows.
    total = 4 * (3 if one_by_one else 1)
    assert len(test_passes.parts_of(shot, model)) == total // 2
    for stop in range(1, total, 5 if one_by_one else 1):
        made = []
        kept = SimpleNamespace(path=tmp_path / str(stop), saved=made.append)
        assert torch.equal(denoise(shot, "hash", model, silent, kept), whole)
        assert made == [*range(stop + 1, total + 1)]


def test_one_by_one_boxes_are_filled_and_only_bodies_cover_bodies(added):
    shot, size = painted_in(test_passes.crowd(added)), test_passes.SIZE
    cast = range(len(shot.characters))
    bodies = [masks(grown_masks, only(shot, who), size) for who in cast]
    for order in ((2, 1, 0), (0, 1, 2), (1, 0, 2)):
        for frame in (0, 8):
            own = next(own_masks(shot, size, order, [frame]))
            assert np.array_equal(np.logical_or.reduce(own), masks(box_masks, shot, size)[frame])
            there = np.zeros_like(own[0])
            apart = next(own_masks(painted_in(shot, "mask"), size, order, [frame]))
            for who, mine, body in zip(order, own, apart, strict=True):
                assert (mine & ~body).any()
                assert np.array_equal(mine & there, body & there)
                assert np.array_equal(mine & bodies[who][frame], body)
                there |= bodies[who][frame]


def test_one_by_one_each_is_painted_in_its_own_box_and_outside_of_all_the_plate_is_the_set(added, model):
    shot, size = painted_in(test_passes.crowd(added)), test_passes.SIZE
    numbers = range(test_passes.FRAMES)
    latents = denoise(shot, "hash", model, silent)
    for part in test_passes.parts_of(shot, model):
        known = known_frames(shot, model, 0, part, latents, untold())
        _, mask = control_pictures(shot, numbers, part.cast, part.order, known, untold())
        own = np.stack([each[-1] for each in own_masks(shot, size, (*part.before, *part.cast), numbers)])
        assert np.array_equal(mask[..., 0] > 127, own)
    outside = ~masks(box_masks, shot, size)
    assert outside.any((1, 2)).all()
    plate = plate_of(latents, model, shot)
    assert np.array_equal(plate[outside], background_frames(shot, numbers)[outside])


def test_one_by_one_each_pass_may_change_all_latents_of_its_own_box(added):
    size, side = (208, 112), 8
    shot = test_passes.crowd(added)
    shot = replace(shot, settings=replace(shot.settings, width=size[0], height=size[1]))
    again = torch.ones(latent_count(shot.frames)).bool()
    found = {choice: passes_of(painted_in(shot, choice), side, 0, again, silent) for choice in VACE.painted}
    for part in found["boxes"]:
        order = *part.before, *part.cast
        numbers = range(shot.frames)
        own = np.stack([each[-1] for each in own_masks(painted_in(shot), size, order, numbers)])
        made = part.made.expand(-1, size[1] // side, size[0] // side).numpy()
        # The first latent stands for one frame, the others for four.
        pixels = made.repeat(4, 0)[3:].repeat(side, 1).repeat(side, 2)
        assert pixels[own].all()
    last, by_body = (found[choice][-1].made for choice in ("boxes", "mask"))
    assert (last | by_body).equal(last)
    assert last.sum() > by_body.sum()


def test_a_take_that_is_remade_in_part_is_told_of_what_stays_as_it_is_in_the_plate(added, model, monkeypatch):
    monkeypatch.setattr(vace, "CONTEXT_WINDOW", 4)
    monkeypatch.setattr(vace, "KNOWN", 2)
    frames = 25
    shot = painted_in(shot_of_people(added, frames=frames))
    latents = denoise(shot, "hash", model, silent)
    again = np.arange(latent_count(frames)) == 5
    (part,) = painter.parts(shot, model, 0, torch.from_numpy(again), silent)
    known, plate = known_frames(shot, model, 0, part, latents, untold()), plate_of(latents, model, shot)
    assert set(known.frames) == {*range(frames_before(part.span[0]), frames)} - {*range(17, 21)}
    assert all(np.array_equal(frame, plate[number]) for number, frame in known.frames.items())
    kept = Kept(latents[0].numpy(), again, model.weights, "0" * 64)
    other = replace(shot, kept=kept, settings=replace(shot.settings, seed=8))
    remade = denoise(other, "hash", model, silent)
    assert torch.equal(remade[:, :, ~again], latents[:, :, ~again])
    assert not torch.equal(remade[:, :, again], latents[:, :, again])
    outside = ~masks(box_masks, shot)
    kept_set = background_frames(shot, range(frames))
    assert np.array_equal(plate_of(remade, model, other)[outside], kept_set[outside])


def test_without_a_set_all_is_painted_in_boxes_too(added):
    _, mask = controls(replace(painted_in(shot_of_people(added)), background=None), ALL)
    assert mask.all()
    assert len(mask) == FRAMES


def test_another_mask_than_it_knows_is_refused(added, model):
    with pytest.raises(ShotError, match=r"cannot be steered by 'normals'.*Choose mask or boxes"):
        denoise(painted_in(shot_of_people(added), "normals"), "hash", model, silent)


def test_who_waits_for_the_plate_is_told_where_boxes_leave_little_of_the_set(added, model):
    far = painted_in(shot_of_people(added))
    close = replace(far, intrinsics=far.intrinsics * [3, 3, 1, 1])
    (note,) = (note for note in notes(close, model) if "boxes" in note)
    assert re.fullmatch(r"boxes cover \d+% of the picture: little of the background is kept", note)
    for other in (painted_in(close, "mask"), replace(close, background=None), far):
        assert not [note for note in notes(other, model) if "boxes" in note]
