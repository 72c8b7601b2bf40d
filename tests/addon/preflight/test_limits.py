"""What the model or its machine cannot bear is named, with what they can."""

import re
from dataclasses import replace

import pytest

from isa_blender_addon.preflight import cost
from isa_blender_addon.preflight.limits import check_limits
from isa_engine.cost import wan
from isa_engine.models import KINDS, describe, vace
from tests.addon.preflight.plans import plan
from tests.pipeline import discs


def test_what_fits_has_no_findings():
    assert check_limits(plan(memory=16 * 2**30, state="here")) == []
    assert check_limits(plan()) == []


def test_too_many_frames_end_where_the_model_does_or_go_to_a_longer_one():
    most = describe("isa-small").max_frames
    (found,) = check_limits(plan("isa-small", frames=most + 1))
    assert str(most) in found.sentence
    assert found.mends[0].values == {"frame_end": 10 + 2 * (most - 1)}
    assert len(range(10, found.mends[0].values["frame_end"] + 1, 2)) == most
    assert found.mends[1].values == {"model": "isa-tiny"}


def test_too_little_memory_names_both_numbers_and_what_fits():
    (found,) = check_limits(plan("isa-4b", 97, memory=8 * 2**30))
    assert "the engine has 8.0 GiB" in found.sentence
    assert found.serious
    assert found.mends[0].values == {"model": "isa-tiny"}
    needed = cost.memory(describe("isa-tiny"), replace(plan().work, frames=9), "")
    (found,) = check_limits(plan(frames=13, memory=needed / 0.9))
    shortened = (found.mends[0].values["frame_end"] - 10) // 2 + 1
    assert 1 < shortened < 13
    assert check_limits(plan(frames=shortened, memory=needed / 0.9)) == []


def test_a_canvas_that_does_not_fit_may_have_less_detail():
    large = replace(plan().work, detail=4, policy="forecast")
    needed = [cost.memory(describe("isa-tiny"), replace(large, detail=each), "") for each in (1, 2, 3, 4)]
    assert needed == sorted(needed)
    for fits in (1, 2, 3):
        scarce = replace(plan(memory=1.01 * needed[fits - 1] / 0.9), work=large)
        (found,) = check_limits(scarce)
        assert (found.mends[0].operator, found.mends[0].values) == ("isa.use_detail", {"detail": fits})
        assert check_limits(replace(scarce, work=replace(large, detail=fits))) == []


def test_what_does_not_fit_whole_is_offloaded_and_takes_longer(monkeypatch):
    monkeypatch.setitem(KINDS, "discs", discs.KIND)
    whole, half = (way.bytes for way in describe("discs").ways(None, "cuda"))
    assert check_limits(plan("discs", 21, memory=1.2 * whole)) == []
    (found,) = check_limits(plan("discs", 21, memory=1.2 * half))
    assert "wait in the machine's memory" in found.sentence
    assert not found.serious
    for too_little in ({"memory": half}, {"memory": 1.2 * half, "device": "cpu"}):
        (found,) = check_limits(plan("discs", 21, **too_little))
        assert "the engine has" in found.sentence
        assert found.serious
    work = plan("discs", 21).work
    times = [
        cost.seconds(describe("discs"), work, "cuda:0", memory, {}) for memory in (2 * whole, 1.2 * half)
    ]
    assert times[0]["denoise"] < times[1]["denoise"]


def test_that_more_of_a_model_fits_if_it_is_added_in_8_bits_is_said(monkeypatch):
    shape = wan.Shape((1, 2, 2), 8, 5120, 40, 13824, 8, 16, 96, 4096)
    counts = {"transformer": 17_340_000_000, "vae": 127_000_000, "text_encoder": 5_680_000_000}
    model = vace.VACE("14b", "here", "apache-2.0", shape, counts, False, False, vace.FULL)

    def texts(model, gib):
        return [
            found.sentence
            for found in check_limits(replace(plan(frames=13), model=model, memory=gib * 2**30))
        ]

    waiting, lighter = (text for text in texts(model, 40) if "memory" in text or "--fp8" in text)
    assert "Parts of it wait" in waiting
    assert re.fullmatch(r"Added once more with --fp8, 14b would need 2\d\.\d GiB there: whole.", lighter)
    light = replace(model, fp8=True)
    for other, gib in ((light, 40), (light, 24), (model, 80)):
        assert not [text for text in texts(other, gib) if "--fp8" in text]


def test_what_other_programs_have_is_no_room_for_a_shot():
    beside = cost.memory_beside(describe("isa-tiny"), replace(plan().work, frames=9))
    assert check_limits(plan(frames=9, memory=16 * 2**30, free=beside)) == []
    (found,) = check_limits(plan(frames=13, memory=16 * 2**30, free=beside))
    assert "other programs have the rest" in found.sentence
    assert not found.serious
    shortened = (found.mends[0].values["frame_end"] - 10) // 2 + 1
    assert check_limits(plan(frames=shortened, memory=16 * 2**30, free=beside)) == []


def test_where_nothing_is_small_enough_there_is_another_engine():
    (found,) = check_limits(plan(memory=2**20))
    assert [mend.operator for mend in found.mends] == ["isa.choose_engine"]


def test_an_untrained_model_is_named_with_one_that_is_trained():
    small = replace(describe("isa-small"), state="here")
    (found,) = check_limits(plan(state="untrained", other_models=(small,)))
    assert "untrained" in found.sentence
    assert found.mends[0].values == {"model": "isa-small"}
    assert found.serious, "the plate would show nobody"
    (found,) = check_limits(plan(state="untrained", other_models=()))
    assert found.mends[0].operator == "isa.choose_engine"


@pytest.mark.parametrize(("state", "words"), [("missing", "are missing"), ("", "does not have the model")])
def test_a_model_that_the_engine_cannot_load_holds_the_shot(state, words):
    (found,) = check_limits(plan(state=state))
    assert words in found.sentence
    assert found.serious


def test_what_a_model_never_takes_holds_the_shot_until_it_is_shortened_or_cut(monkeypatch):
    monkeypatch.setitem(KINDS, "discs", discs.KIND)
    most = describe("discs").longest
    (found, *_) = check_limits(plan("discs", frames=most + 1))
    assert found.serious
    assert found.mends[0].values == {"frame_end": 10 + 2 * (most - 1)}
    assert found.mends[1].values == {"model": "isa-tiny"}
    (cut,) = check_limits(plan("discs", frames=most + 1, longest=most))
    assert "was tried with 21" in cut.sentence
    assert not cut.serious


def test_a_frame_rate_far_from_the_models_and_more_people_than_it_keeps_apart_are_said(monkeypatch):
    monkeypatch.setitem(KINDS, "discs", discs.KIND)
    for fps, said in ((12, False), (18, False), (24, True), (6, True), (8, False)):
        assert bool(check_limits(plan("discs", 21, fps=float(fps)))) == said
    (found,) = check_limits(plan("discs", 21, fps=24.0))
    step = found.mends[0].values["frame_step"]
    assert not check_limits(plan("discs", 21, fps=24.0 * 2 / step)), "the button mends it"
    (found,) = check_limits(replace(plan("discs", 21, fps=6.0), frame_step=1))
    assert not found.mends, "no step makes more frames than there are"
    crowd = plan("discs", 21)
    (found,) = check_limits(replace(crowd, work=replace(crowd.work, characters=3)))
    assert "3 people: discs was seen to keep 2 apart." in found.sentence
