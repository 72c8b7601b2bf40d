"""One pass a character: nobody is told of another, and who stands in front covers who stands behind."""

import hashlib
import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from isa_engine.controls import grown_masks, masks, pose, pose_pictures
from isa_engine.controls.masks import own_masks
from isa_engine.cost.generation import Work
from isa_engine.errors import Cancelled
from isa_engine.geometry.frames import latent_count
from isa_engine.models import describe, vace
from isa_engine.pipeline import drawn, generate
from isa_engine.pipeline.background import background_frames
from isa_engine.pipeline.generation import control_hashes, denoise
from isa_engine.pipeline.vace import decoding, painter
from isa_engine.pipeline.vace.passes import far_to_near
from isa_engine.pipeline.vace.told import control_pictures, frames_of, known_frames, told
from isa_engine.shot import ReferencePose, Settings
from tests.controls.people import person, shot_of
from tests.pipeline.shots import footage, picture
from tests.pipeline.vace.test_vace import silent, untold

FRAMES, SIZE, STEPS = 9, (64, 48), 2
ALL = range(FRAMES)
ANNA, BEN, CARL = 0, 1, 2


def crowd(name, frames=FRAMES, **changes):
    """Anna in front of Ben, and Carl beside them, behind; the first two with pictures."""
    places = {"Anna": (0.0, -0.6, 0.0), "Ben": (0.3, 0.4, 0.0), "Carl": (-0.9, 0.9, 0.0)}
    cast = [
        replace(person(who, motion="walk", frames=range(frames), place=place), prompt=f"a {colour} coat")
        for (who, place), colour in zip(places.items(), ("red", "blue", "red"), strict=True)
    ]
    settings = Settings(name, *SIZE, STEPS, 3.0, 7, policy="exact", prompt="a street", one_by_one=True)
    shot = shot_of(cast, size=SIZE, settings=settings, background=footage(frames))
    poses = [ReferencePose(k, cast[k].points[0], shot.mvp[0]) for k in (ANNA, BEN)]
    cast[:2] = [replace(each, reference=pose) for each, pose in zip(cast[:2], poses, strict=True)]
    pictures = tuple(picture(seed=k) for k in range(2))
    return replace(shot, characters=tuple(cast), references=pictures, **changes)


def parts_of(shot, model, segment=0):
    count = latent_count(shot.segments[segment])
    return painter.parts(shot, model, segment, torch.ones(count).bool(), silent)


def test_the_farthest_comes_first_and_who_is_never_seen_does_not_come(added, model):
    shot = crowd(added)
    assert far_to_near(shot, 0) == (CARL, BEN, ANNA)
    parts = parts_of(shot, model)
    assert [(part.cast, part.before) for part in parts] == [
        ((CARL,), ()),
        ((BEN,), (CARL,)),
        ((ANNA,), (CARL, BEN)),
    ]
    assert [part.along for part in parts] == [0, 1, 1]
    hidden = replace(shot.characters[BEN], shown=np.arange(FRAMES) >= 5)
    cut = replace(shot, characters=(shot.characters[0], hidden, shot.characters[2]), cuts=(5,))
    assert [part.cast for part in parts_of(cut, model, 0)] == [(CARL,), (ANNA,)]
    assert [part.cast for part in parts_of(cut, model, 1)] == [(CARL,), (BEN,), (ANNA,)]
    together = replace(shot, settings=replace(shot.settings, one_by_one=False))
    assert [(part.cast, part.along) for part in parts_of(together, model)] == [((ANNA, BEN, CARL), 2)]


def test_who_is_nearer_is_not_painted_over_in_whatever_order_they_come(added):
    shot = crowd(added)
    for frame in (0, 8):
        (anna, ben, carl) = (
            next(own_masks(shot, SIZE, (*others, who), [frame]))[-1]
            for who, others in ((ANNA, (BEN, CARL)), (BEN, (ANNA, CARL)), (CARL, (ANNA, BEN)))
        )
        # Each pixel of the cast's room is somebody's, and nobody's twice.
        whole = next(grown_masks(shot, SIZE, [frame]))[..., 0] > 127
        assert np.array_equal(anna | ben | carl, whole)
        assert not (anna & ben).any()
        assert not (ben & carl).any()
        (alone,) = next(own_masks(shot, SIZE, (ANNA,), [frame]))
        assert np.array_equal(anna, alone)
        (behind,) = next(own_masks(shot, SIZE, (BEN,), [frame]))
        assert (behind & ~ben).any()


def test_each_pass_is_told_of_one_person_over_those_who_are_there(added, model, monkeypatch):
    shot, seen = crowd(added), []

    def watched(*given):
        seen.append((given[3], given[4].clone(), told(*given)))
        return seen[-1][2]

    monkeypatch.setattr(painter, "told", watched)
    latents = denoise(shot, "hash", model, silent)
    assert [part.cast for part, *_ in seen] == [(CARL,), (BEN,), (ANNA,)]
    assert [given.references for *_, given in seen] == [0, 1, 1]
    for (part, there, given), words in zip(seen, ("red", "blue", "red"), strict=True):
        assert torch.equal(given.words, model.read(f"a street. a {words} coat"))
        known = known_frames(shot, model, 0, part, there, untold())
        video, masks = control_pictures(
            shot, frames_of(shot, 0, part.span), part.cast, part.order, known, untold()
        )
        person_alone = replace(shot, characters=(shot.characters[part.cast[0]],))
        strokes = np.stack(list(pose_pictures(person_alone, SIZE)))
        base = np.stack([known.frames[k] for k in ALL]) if part.before else background_frames(shot, ALL)
        assert np.array_equal(video, np.where(masks > 127, strokes, base))
        assert masks.any((1, 2, 3)).all()
    # What a pass does not make is what it was, to the bit.
    last, before, _ = seen[-1]
    assert 0 < last.made.float().mean() < 1
    outside = ~last.made.expand(latents.shape[2:])
    assert torch.equal(latents[:, :, outside], before[:, :, outside])
    assert not torch.equal(latents[:, :, ~outside], before[:, :, ~outside])


def test_outside_of_all_the_plate_is_the_set_and_nobody_depends_on_who_comes_later(added, model):
    shot = crowd(added)
    latents = denoise(shot, "hash", model, silent)
    plate = np.stack(list(painter.frames(latents, model, shot, None, silent)[0]))
    outside = np.stack(list(grown_masks(shot, SIZE))) == 0
    assert np.array_equal(plate[outside], background_frames(shot, ALL)[outside])
    anna, ben, carl = shot.characters
    dressed = replace(shot, characters=(replace(anna, prompt="blue rain"), ben, carl))
    other = denoise(dressed, "hash", model, silent)
    (*_, last) = parts_of(shot, model)
    outside = ~last.made.expand(latents.shape[2:])
    assert torch.equal(latents[:, :, outside], other[:, :, outside])
    assert not torch.equal(latents, other)


@pytest.mark.parametrize("latents", [21, 2])
def test_passes_and_context_windows_go_on_from_any_step_to_the_same_latents(
    added, model, tmp_path, monkeypatch, latents
):
    monkeypatch.setattr(vace, "CONTEXT_WINDOW", latents)
    monkeypatch.setattr(vace, "KNOWN", 1)
    shot = crowd(added)
    kept = SimpleNamespace(path=tmp_path / "kept")
    kept.saved = lambda step: shutil.copy(kept.path, tmp_path / str(step))
    whole, total = denoise(shot, "hash", model, silent, kept), STEPS * len(parts_of(shot, model))
    assert total == STEPS * 3 * (1 if latents == 21 else 2)
    for stop in range(1, total, 1 if latents == 21 else 3):
        made = []
        kept = SimpleNamespace(path=tmp_path / str(stop), saved=made.append)
        assert torch.equal(denoise(shot, "hash", model, silent, kept), whole)
        assert made == [*range(stop + 1, total + 1)]


def test_without_a_set_the_first_pass_paints_it_and_later_ones_only_where_they_stand(added, model):
    shot = replace(crowd(added), background=None)
    first, second, _ = parts_of(shot, model)
    latents = torch.zeros(1, 16, latent_count(FRAMES), SIZE[1] // 8, SIZE[0] // 8)
    for part, all_of_it in ((first, True), (second, False)):
        known = known_frames(shot, model, 0, part, latents, untold())
        _, masks = control_pictures(shot, ALL, part.cast, part.order, known, untold())
        assert masks.any()
        assert masks.all() == all_of_it


def test_each_person_costs_as_much_as_a_take(added):
    model = describe(added)
    work = Work(81, 64, 48, 3, 10, 5.0)
    alone = model.operations(replace(work, characters=1))["denoise"]
    assert model.operations(replace(work, one_by_one=True))["denoise"] == 3 * alone
    assert model.memory_beside(replace(work, one_by_one=True)) < model.memory_beside(work)


@pytest.mark.parametrize("one_by_one", [True, False])
def test_what_steers_is_drawn_once_and_the_record_has_its_hashes_after_a_stop_too(
    added, model, tmp_path, monkeypatch, one_by_one
):
    monkeypatch.setattr(vace, "CONTEXT_WINDOW", 2)
    monkeypatch.setattr(vace, "KNOWN", 1)
    shot = crowd(added)
    shot = replace(shot, settings=replace(shot.settings, one_by_one=one_by_one))
    skeletons, figures, draw, grow = [], [], pose.draw, masks.grown
    monkeypatch.setattr(pose, "draw", lambda *given: skeletons.append(1) or draw(*given))
    monkeypatch.setattr(masks, "grown", lambda *given: figures.append(1) or grow(*given))
    kept = SimpleNamespace(path=tmp_path / "kept", saved=lambda step: None)

    def controls(report, checkpoint=None):
        skeletons.clear()
        figures.clear()
        result = generate(shot, model, tmp_path / "out", report, checkpoint)
        assert drawn._drawn is None
        return json.loads(result.record.read_text())["controls"]

    def stop(progress):
        if (progress.phase, progress.step) == ("denoise", STEPS + 1):
            raise Cancelled

    found = controls(silent)
    assert len(skeletons) == FRAMES * (3 if one_by_one else 1)
    # One by one, once whole for the record and once without what is nearer, for all passes.
    assert len(figures) == FRAMES * 3 * (2 if one_by_one else 1)
    everybody = [replace(shot, characters=(each,)) for each in shot.characters] if one_by_one else [shot]
    pictures = [picture for people in everybody for picture in pose_pictures(people, SIZE)]
    assert found == {
        "pose": hashlib.sha256(np.stack(pictures)).hexdigest(),
        "mask": hashlib.sha256(np.stack(list(grown_masks(shot, SIZE)))).hexdigest(),
    }
    with pytest.raises(Cancelled):
        controls(stop, kept)
    assert drawn._drawn is None
    assert controls(silent, kept) == found


@pytest.mark.parametrize("one_by_one", [True, False])
def test_whatever_is_drawn_is_told_every_few_frames_and_can_be_cancelled_there(
    added, model, monkeypatch, one_by_one
):
    frames = 40
    shot = crowd(added, frames)
    shot = replace(shot, settings=replace(shot.settings, one_by_one=one_by_one))
    seen, drawn, look, decode = [], [0], masks.see, decoding.to_frames
    monkeypatch.setattr(masks, "see", lambda *given: drawn.append(1) or look(*given))
    monkeypatch.setattr(decoding, "to_frames", lambda video: drawn.append(1) or decode(video))

    def report(progress):
        assert progress.phase == "encode"
        # Each frame has a figure for each of the three, and may be decoded.
        assert sum(drawn) <= 16 * 4
        drawn.clear()
        seen.append((progress.step, progress.steps))
        if len(seen) in stops:
            raise Cancelled

    def told_of_all():
        assert not seen
        drawn.clear()
        control_hashes(shot, model, report)
        latents = torch.zeros(1, 16, latent_count(frames), SIZE[1] // 8, SIZE[0] // 8)
        for part in painter.parts(shot, model, 0, torch.ones(latents.shape[2]).bool(), report):
            painter.conditions(shot, model, 0, part, latents, report)
        assert not drawn

    stops: list[int] = []
    told_of_all()
    # The record's two controls, where each stands, and each pass begin at nothing and come to their end.
    counts = [0, 0, *[0] * 3] if one_by_one else [0, 0]
    assert [step for step, _ in seen if step == 0] == counts
    assert sum(step == of for step, of in seen) == len(counts)
    for stop in range(1, len(seen) + 1, 3):
        stops[:] = [stop]
        seen.clear()
        with pytest.raises(Cancelled):
            told_of_all()
        assert len(seen) == stop
