"""A cut is a cut: what lies before it has no influence on what lies after it."""

import dataclasses

import numpy as np
import pytest
import torch

from isa_engine.errors import Cancelled
from isa_engine.geometry.frames import DECODED_AT_ONCE, decoding_spans, latent_count, segment_latents
from isa_engine.pipeline import generate
from isa_engine.pipeline.generation import denoise
from isa_engine.pipeline.isa.conditioning import condition_shot
from isa_engine.pipeline.isa.decode import Background, decode_matte, decode_plate
from isa_engine.shot import Shot
from tests.pipeline.shots import MICRO, WINDOWED, footage, make_shot, speaking
from tests.pipeline.test_resume import Kept

CUTS = (3, 9)


@pytest.fixture
def shot() -> Shot:
    """Three segments of 3, 6 and 4 frames; the camera jumps at each cut."""
    whole = make_shot(13, steps=3)
    cameras = whole.camera_to_world.copy()
    cameras[3:, 0, 3] += 0.4
    cameras[9:, 2, 3] += 0.3
    return dataclasses.replace(whole, camera_to_world=cameras, cuts=CUTS)


def frames_of(shot: Shot, model) -> np.ndarray:
    latents = denoise(shot, "hash", model, lambda progress: None)
    return np.stack(list(decode_plate(latents, model, shot, Background.of(shot, model))))


def test_a_segments_frames_are_those_of_the_segment_generated_alone(shot, model):
    frames = frames_of(shot, model)
    assert len(frames) == 13
    alone = [frames_of(shot.segment(k), model) for k in range(3)]
    assert np.array_equal(frames, np.concatenate(alone))
    # The same frames without cuts are others: there is something to tell.
    assert not np.array_equal(frames, frames_of(dataclasses.replace(shot, cuts=()), model))


def test_frames_between_adjacent_cuts_and_beside_the_ends_are_segments_too(model):
    """Cuts after the first frame, after the second, and before the last; somebody is in one segment alone."""
    whole = make_shot(7, steps=2)
    anna, *others = whole.characters
    anna = dataclasses.replace(anna, shown=np.array([False, True, *[False] * 5]))
    shot = dataclasses.replace(whole, characters=(anna, *others), cuts=(1, 2, 6))
    frames = frames_of(shot, model)
    assert len(frames) == 7
    assert np.array_equal(frames, np.concatenate([frames_of(shot.segment(k), model) for k in range(4)]))


def test_windows_of_time_end_at_cuts(shot):
    """Each segment but the first is longer than a window."""
    windowed = speaking(WINDOWED)
    frames = frames_of(shot, windowed)
    alone = [frames_of(shot.segment(k), windowed) for k in range(3)]
    assert np.array_equal(frames, np.concatenate(alone))
    assert not np.array_equal(frames, frames_of(shot, speaking(MICRO)))


def test_each_segment_is_told_of_its_own_part_of_the_background(model):
    plain = make_shot(9)
    video = dataclasses.replace(plain, background=footage(9), cuts=(4,))
    whole = condition_shot(video, model, 1).background_latents
    longer = condition_shot(dataclasses.replace(video, cuts=()), model).background_latents
    assert whole.shape[2] == latent_count(5)
    # A first frame of its own, where the whole's is in the middle of a window.
    assert not torch.equal(whole[:, :, :1], longer[:, :, 1:2])


def test_spans_reach_across_no_cut_and_equal_the_whole(shot, model):
    latents = denoise(shot, "hash", model, lambda progress: None)
    trained = dataclasses.replace(model, trained=True)
    for decode in (decode_plate, decode_matte):
        whole = np.stack(list(decode(latents, trained, shot, None)))
        spans = decoding_spans(shot.segments, 1)
        parts = [np.stack(list(decode(latents, trained, shot, None, span))) for span in spans]
        assert np.array_equal(np.concatenate(parts), whole)
    for first, last in spans:
        assert any(start <= first and last <= end for start, end in segment_latents(shot.segments))
        assert last - first <= DECODED_AT_ONCE


def test_progress_counts_the_steps_of_all_segments_and_the_latest_is_the_last(shot, model, tmp_path):
    seen = []
    generate(
        shot, model, tmp_path, lambda progress: seen.append((progress.phase, progress.step, progress.steps))
    )
    denoised = [(step, steps) for phase, step, steps in seen if phase == "denoise"]
    assert denoised == sorted(denoised)
    assert {steps for _, steps in denoised} == {9}
    assert denoised[-1] == (9, 9)


@pytest.mark.parametrize("stop", [1, 3, 4, 6, 8])
def test_what_broke_off_in_any_segment_goes_on_there(shot, model, tmp_path, stop):
    def stopping(progress):
        if (progress.phase, progress.step) == ("denoise", stop) and kept.steps:
            raise Cancelled

    kept = Kept(tmp_path / "latents")
    with pytest.raises(Cancelled):
        denoise(shot, "hash", model, stopping, kept)
    latents = denoise(shot, "hash", model, lambda progress: None, kept)
    assert kept.steps == list(range(1, 10))
    assert torch.equal(latents, denoise(shot, "hash", model, lambda progress: None))
