"""Takes longer than the model sees at once are made in context windows, which go on from one another."""

import shutil
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_engine.configuration.policies import EXACT, FORECAST
from isa_engine.controls import grown_masks
from isa_engine.cost.generation import Work
from isa_engine.geometry.frames import frames_before, latent_count
from isa_engine.models import describe, vace
from isa_engine.models.vace import CONTEXT_WINDOW, KNOWN, context_windows
from isa_engine.pipeline import background
from isa_engine.pipeline.background import background_frames
from isa_engine.pipeline.generation import denoise, memory_of
from isa_engine.pipeline.pictures import to_frames
from isa_engine.pipeline.vace import decoding, painter
from isa_engine.pipeline.vace.decoding import decoded
from isa_engine.pipeline.vace.told import control_pictures, frames_of, known_frames, told
from isa_engine.shot import Kept
from tests.pipeline.vace.test_vace import SIZE, shot_of_people, silent, untold

# Seven latents in context windows of four, of which two are known: 13 frames, 5 of them known.
FRAMES, LATENTS = 25, 7
SPANS = [(0, 4), (2, 6), (3, 7)]


@pytest.fixture
def shot(added, monkeypatch):
    monkeypatch.setattr(vace, "CONTEXT_WINDOW", 4)
    monkeypatch.setattr(vace, "KNOWN", 2)
    return shot_of_people(added, steps=2, frames=FRAMES)


def parts_of(shot, model, again=None, segment=0):
    count = latent_count(shot.segments[segment])
    return painter.parts(shot, model, segment, torch.ones(count).bool() if again is None else again, silent)


def plate_of(latents, model, shot, span=None):
    return np.stack(list(painter.frames(latents, model, shot, span, silent)[0]))


@given(st.integers(1, 300), st.data())
@settings(deadline=None)
def test_context_windows_cover_what_is_made_and_each_begins_in_what_is_finished(latents, data):
    first = data.draw(st.integers(0, latents - 1))
    last = data.draw(st.integers(first + 1, latents))
    found, done = context_windows((first, last), latents), first
    for begin, end in found:
        assert 0 <= begin <= done < end <= latents
        assert end - begin == min(CONTEXT_WINDOW, latents)
        assert begin == 0 or done - begin >= KNOWN
        done = end
    assert done >= last
    assert len(found) <= 1 + max(0, -(-(last - first + KNOWN - CONTEXT_WINDOW) // (CONTEXT_WINDOW - KNOWN)))


def test_any_latents_decode_as_in_the_whole_to_the_bit_in_the_memory_of_one(model, monkeypatch):
    torch.manual_seed(0)
    latents, asked = torch.randn(1, 16, 40, 1, 2), []
    whole = np.stack(list(decoded(latents, model, 0, 40)))
    theirs = to_frames(model.vae.decode(model.denormalised(latents)).sample.detach())
    assert np.abs(whole.astype(int) - theirs).max() <= 1
    forward = model.vae.decoder.forward

    def counted(latent, **how):
        asked.append(latent.shape[2])
        return forward(latent, **how)

    monkeypatch.setattr(model.vae.decoder, "forward", counted)
    for first, last in ((38, 40), (35, 36), (1, 2)):
        asked.clear()
        frames = np.stack(list(decoded(latents, model, first, last)))
        assert np.array_equal(frames, whole[frames_before(first) : frames_before(last)])
        assert set(asked) == {1}
        # Else the beginning of a long take would be decoded as often as there are context windows.
        assert len(asked) <= 33


@pytest.mark.parametrize("policy", [EXACT, FORECAST])
def test_a_long_take_goes_on_from_any_step_to_the_same_latents(shot, model, tmp_path, policy):
    steps = 4 if policy == FORECAST else 2
    shot = replace(shot, settings=replace(shot.settings, steps=steps, policy=policy))
    kept = SimpleNamespace(path=tmp_path / "kept")
    kept.saved = lambda step: shutil.copy(kept.path, tmp_path / str(step))
    whole, total = denoise(shot, "hash", model, silent, kept), steps * len(SPANS)
    # After any step; where a policy has a memory, those about a border between context windows.
    stops = range(1, total) if policy == EXACT else range(steps - 1, steps + 2)
    assert whole.shape == (1, 16, LATENTS, SIZE[1] // 8, SIZE[0] // 8)
    assert torch.isfinite(whole).all()
    assert plate_of(whole, model, shot).shape == (FRAMES, SIZE[1], SIZE[0], 3)
    for stop in stops:
        made = []
        kept = SimpleNamespace(path=tmp_path / str(stop), saved=made.append)
        assert torch.equal(denoise(shot, "hash", model, silent, kept), whole)
        assert made == [*range(stop + 1, total + 1)]


def test_each_context_window_is_told_what_is_finished_as_it_is_in_the_plate(shot, model, monkeypatch):
    seen = []

    def watched(*given):
        seen.append((given[3], given[4].clone()))
        return told(*given)

    monkeypatch.setattr(painter, "told", watched)
    latents = denoise(shot, "hash", model, silent)
    plate = plate_of(latents, model, shot)
    assert [part.span for part, _ in seen] == SPANS
    for (part, there), done in zip(seen, (0, 4, 6), strict=True):
        assert part.made.flatten().tolist() == [latent >= done for latent in range(*part.span)]
        # What was made stays, bit for bit.
        assert torch.equal(there[:, :, :done], latents[:, :, :done])
        numbers = frames_of(shot, 0, part.span)
        known = known_frames(shot, model, 0, part, there, untold())
        assert len(numbers) == 13
        assert set(known.frames) == set(known.held)
        assert set(known.held) & set(numbers) == set(numbers) & set(range(frames_before(done)))
        assert len(set(known.held) & set(numbers)) in (0, 5, 9)
        video, masks = control_pictures(shot, numbers, part.cast, part.order, known, untold())
        for place, number in enumerate(numbers):
            if number in known.held:
                assert np.array_equal(video[place], plate[number])
            assert masks[place].any() == (number not in known.held)


def test_to_the_network_a_context_window_is_a_video_whose_first_latent_stands_for_one_frame(shot, model):
    torch.manual_seed(0)
    latents = torch.randn(1, 16, LATENTS, SIZE[1] // 8, SIZE[0] // 8)
    first, *others = parts_of(shot, model)
    assert told(shot, model, 0, first, latents, silent).first is None
    found, begin = told(shot, model, 0, others[0], latents, silent), others[0].span[0]
    frame = list(decoded(latents, model, begin, begin + 1))[-1]
    known = known_frames(shot, model, 0, others[0], latents, untold()).frames[frames_before(begin + 1) - 1]
    inside = (known != background_frames(shot, range(8, 9))[0]).any(-1)
    assert np.array_equal(known[inside], frame[inside])
    alone = model.encode(torch.from_numpy(known).permute(2, 0, 1)[None, :, None].float() / 127.5 - 1)
    at_the_end = found.as_video(found.control[:, :16].clone(), torch.tensor(0.0))
    held = torch.cat([found.control[:, :16, : found.references], latents[:, :, slice(*others[0].span)]], 2)
    seen = found.as_video(held, torch.tensor(0.0))
    torch.testing.assert_close(seen[:, :, found.references], alone[:, :, 0], atol=1e-4, rtol=1e-4)
    assert torch.equal(seen[:, :, found.references + 1 :], held[:, :, found.references + 1 :])
    assert torch.equal(found.as_video(held, torch.tensor(1.0)), held)
    assert at_the_end.shape == held.shape


def test_a_cut_begins_anew_and_no_context_window_reaches_across_it(shot, model):
    cut = replace(shot, cuts=(17,))
    assert [part.span for part in parts_of(cut, model, segment=0)] == [(0, 4), (1, 5)]
    (after,) = parts_of(cut, model, segment=1)
    assert (after.span, bool(after.made.all())) == ((0, 3), True)
    assert frames_of(cut, 1, after.span) == range(17, FRAMES)
    latents = denoise(cut, "hash", model, silent)
    assert latents.shape[2] == 5 + 3
    # What follows a cut does not depend on what was before it.
    moved = shot.camera_to_world.copy()
    moved[:17, 0, 3] += 0.2
    elsewhere = denoise(replace(cut, camera_to_world=moved), "hash", model, silent)
    assert torch.equal(latents[:, :, 5:], elsewhere[:, :, 5:])
    assert not torch.equal(latents[:, :, :5], elsewhere[:, :, :5])
    spans = [plate_of(latents, model, cut, (k, k + 2)) for k in range(0, 8, 2)]
    assert np.array_equal(np.concatenate(spans), plate_of(latents, model, cut))


@pytest.mark.parametrize("one_by_one", [False, True])
def test_of_the_background_little_is_held_and_no_frame_decoded_oftener_in_a_longer_take(
    added, model, monkeypatch, one_by_one
):
    monkeypatch.setattr(vace, "CONTEXT_WINDOW", 3)
    monkeypatch.setattr(vace, "KNOWN", 1)
    monkeypatch.setattr(decoding, "_AT_ONCE", 12)
    read, times, held = background.footage, Counter(), []

    def watched(*asked):
        for number, frame in enumerate(read(*asked)):
            times[number] += 1
            held.append(len(background._reading.kept))
            yield frame

    monkeypatch.setattr(background, "footage", watched)
    for frames in (17, 37):
        shot = shot_of_people(added, steps=1, frames=frames)
        shot = replace(shot, settings=replace(shot.settings, one_by_one=one_by_one, guidance=1.0))
        times.clear()
        held.clear()
        latents = denoise(shot, "hash", model, silent)
        plate = plate_of(latents, model, shot)
        assert background._reading is None
        assert set(times) == set(range(frames))
        # Once for the plate; for each pass once forwards, and once more where it is told of its last window.
        assert max(times.values()) <= 1 + 2 * (2 if one_by_one else 1)
        # As many as a context window's latents stand for.
        assert max(held) <= 12
        outside = np.stack(list(grown_masks(shot, SIZE))) == 0
        assert np.array_equal(plate[outside], background_frames(shot, range(frames))[outside])


def test_of_a_background_that_was_not_read_to_its_end_nothing_stays(shot, model):
    background_frames(shot, range(3))
    process = background._reading.coming
    assert process.gi_frame is not None
    with memory_of(model):
        background_frames(shot, range(2, 5))
        assert background._reading.coming is process
        background_frames(shot, range(1, 5))
        assert background._reading.coming is not process
    assert background._reading is None
    assert process.gi_frame is None


def test_the_network_never_sees_more_than_a_context_window(shot, model, monkeypatch):
    sizes, forward = set(), model.transformer.forward

    def counted(hidden_states, **given):
        sizes.add(hidden_states.shape[2])
        return forward(hidden_states, **given)

    monkeypatch.setattr(model.transformer, "forward", counted)
    denoise(shot, "hash", model, silent)
    assert sizes == {1 + 4}


def test_of_a_long_take_only_the_context_windows_about_what_changed_are_made_again(shot, model, monkeypatch):
    latents = denoise(shot, "hash", model, silent)
    again = np.zeros(LATENTS, bool)
    again[5] = True
    (part,) = parts_of(shot, model, torch.from_numpy(again))
    assert part.span == (3, 7)
    assert part.made.flatten().tolist() == [False, False, True, False]
    kept = Kept(latents[0].numpy(), again, model.weights, "0" * 64)
    remade = denoise(replace(shot, kept=kept, settings=replace(shot.settings, seed=8)), "hash", model, silent)
    assert torch.equal(remade[:, :, ~again], latents[:, :, ~again])
    assert not torch.equal(remade[:, :, again], latents[:, :, again])
    # Frames on both sides of it are known, and shown as they are.
    known = known_frames(shot, model, 0, part, latents, untold()).frames
    plate = plate_of(latents, model, shot)
    assert {*range(12, 17), *range(21, 25)} <= set(known)
    assert not {*range(17, 21)} & set(known)
    assert all(np.array_equal(frame, plate[number]) for number, frame in known.items())


def test_work_grows_with_the_context_windows_and_memory_does_not(added):
    model = describe(added)
    assert model.longest is None

    def work(frames):
        return Work(frames, 64, 48, 1, 10, 5.0)

    one = model.operations(work(81))["denoise"]
    # 17 of the 81 frames are known: two have 145, four have 273.
    for frames, count in ((82, 2), (145, 2), (146, 3), (273, 4), (1001, 16)):
        assert model.operations(work(frames))["denoise"] == count * one
        assert model.memory_beside(work(frames)) == model.memory_beside(work(81))
        ways, short = model.ways(work(frames), "cuda"), model.ways(work(81), "cuda")
        assert [way.bytes for way in ways] == [way.bytes for way in short]
        assert ways[2].moved == count * short[2].moved
    assert model.operations(work(41))["denoise"] < one
