"""A transformer too large for its device lies in the machine's memory, and makes the same take."""

from dataclasses import replace

import pytest
import torch

from isa_engine.commands.doctor import fit
from isa_engine.configuration.policies import EVERYTHING, PRESETS
from isa_engine.models import describe, isa
from isa_engine.models.room import fitting, longest_work, seconds
from isa_engine.pipeline.generation import denoise
from isa_engine.pipeline.isa import painter
from isa_engine.pipeline.painter import load_model
from isa_engine.shot import canvas_size
from tests.pipeline.shots import make_shot

GIB = 2**30


def test_what_is_offloaded_makes_the_same_take_and_the_record_says_so(monkeypatch):
    # What comes from memory is multiplied as on a GPU.
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    whole = load_model("isa-tiny", "cpu")
    monkeypatch.setattr(isa, "_LARGE", 1)
    # As on a GPU.
    monkeypatch.setattr(painter, "fastest", lambda model, device: model.ways(longest_work(model), "cuda")[-1])
    offloaded = load_model("isa-tiny", "cpu")
    assert (whole.offloaded, offloaded.offloaded) == ((), ("dit",))
    assert whole.told() == {"configuration": whole.told()["configuration"]}
    assert offloaded.told() == {**whole.told(), "offloaded": ["dit"]}
    assert offloaded.weights == whole.weights
    shot = make_shot(5, steps=2)
    shot = replace(shot, settings=replace(shot.settings, model="isa-tiny", guidance=2.0))
    takes = [denoise(shot, "hash", model, lambda progress: None) for model in (whole, offloaded)]
    assert torch.equal(*takes)


def test_a_large_transformer_is_offloaded_where_it_does_not_fit_whole(monkeypatch):
    model = describe("isa-4b")
    whole, offloaded = model.ways(longest_work(model), "cuda:0")
    weights = 2 * 4.23e9
    assert whole.bytes - offloaded.bytes == pytest.approx(weights, rel=0.01)
    for memory, way in ((1.01, whole), (0.99, offloaded)):
        assert fitting((whole, offloaded), memory * whole.bytes / 0.9) == way
    assert fitting((whole, offloaded), offloaded.bytes) is None
    tiny = describe("isa-tiny")
    assert [way.name for way in tiny.ways(longest_work(tiny), "cuda:0")] == ["whole"]


@pytest.mark.parametrize("device", ["cpu", "mps", "cpu,cpu"])
def test_beside_a_processor_there_is_no_other_memory_and_weights_are_of_32_bits(device):
    model = describe("isa-4b")
    work = longest_work(model)
    (way,) = model.ways(work, device)
    assert (way.name, way.moved, way.offloaded) == ("whole", 0, ())
    assert way.bytes - model.ways(work, "cuda:0")[0].bytes == pytest.approx(2 * 4.23e9, rel=0.01)
    # Where too little is there it is said so, and not that parts wait elsewhere.
    assert fitting((way,), way.bytes) is None


@pytest.mark.parametrize(("guidance", "branches"), [(1.0, 1), (2.0, 2)])
def test_what_is_offloaded_comes_once_a_tile_and_evaluation_in_16_bits_and_takes_its_time(guidance, branches):
    model = describe("isa-4b")
    work = replace(longest_work(model), steps=10, guidance=guidance, policy=EVERYTHING)
    whole, offloaded = model.ways(work, "cuda:0")
    tiles = len(model.tiles(work.width, work.height))
    assert offloaded.moved == pytest.approx(10 * branches * tiles * 2 * 4.23e9, rel=0.01)
    alone, lent = (seconds(model, work, "cuda:0", way, {}) for way in (whole, offloaded))
    assert lent["denoise"] - alone["denoise"] == pytest.approx(offloaded.moved / 16e9)


def test_the_doctor_says_how_it_fits(monkeypatch):
    monkeypatch.setattr("isa_engine.commands.doctor.names", lambda: ("isa-4b",))
    monkeypatch.setattr(
        "isa_engine.commands.doctor.describe", lambda name: replace(describe(name), state="here")
    )
    said = {memory: next(fit(memory * GIB, "cuda:0")).what for memory in (140, 130, 80)}
    assert "isa-4b on cuda:0: whole," in said[140]
    assert "isa-4b on cuda:0: offloaded," in said[130]
    assert "needs" in said[80]


@pytest.mark.parametrize("name", ["isa-tiny", "isa-4b"])
def test_what_is_told_of_a_models_longest_take_is_that_of_finals_canvas(name):
    model = describe(name)
    shown = canvas_size(16, 9, model.short_side, model.multiple, PRESETS["Final"].detail)
    work = longest_work(model)
    assert (work.frames, (work.width, work.height)) == (model.max_frames, shown)
    # It is larger than the one that the model learned: it is painted in tiles.
    assert len(model.tiles(*shown)) > 1
