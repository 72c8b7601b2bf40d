"""What a shot costs is what its model's networks do, at the pace of earlier plates."""

from dataclasses import replace

import pytest

from isa_blender_addon.preflight import cost
from isa_blender_addon.preflight.cost import Work
from isa_engine.configuration import model_config
from isa_engine.cost import generation
from isa_engine.models import describe, names
from isa_engine.models.isa import ISA
from isa_engine.shot import canvas_size
from tests.addon.preflight.plans import plan


@pytest.mark.parametrize("name", names())
def test_the_cost_is_of_the_models_own_canvas(name):
    model = describe(name)
    work = Work(25, (1280, 720), 3, 12, 2.5)
    canvas = canvas_size(1280, 720, model.short_side, model.multiple)
    phases = generation.generation(model_config(name), generation.Work(25, *canvas, 3, 12, 2.5))
    assert cost.operations(model, work) == phases


@pytest.mark.parametrize(("lays_over", "counted"), [(True, 4), (False, 1)])
def test_a_larger_plate_is_counted_for_models_that_lay_it_over(monkeypatch, lays_over, counted):
    monkeypatch.setattr(ISA, "lays_over", lays_over)
    monkeypatch.setattr(ISA, "memory_beside", lambda _, work: work.plate_scale)
    assert cost.memory_beside(describe("isa-tiny"), replace(plan().work, plate_scale=4)) == counted


def test_the_time_of_each_phase_follows_an_earlier_plates_pace():
    model, work = describe("isa-tiny"), plan().work
    assert cost.seconds(model, work, "", None, {}) == {}
    slow, fast = (cost.seconds(model, work, device, None, {}) for device in ("cpu", "cuda:0"))
    assert all(slow[phase] > fast[phase] for phase in slow)
    paces = {phase: count / 90 for phase, count in cost.operations(model, work).items()}
    assert cost.seconds(model, work, "", None, paces) == pytest.approx(dict.fromkeys(paces, 90))
    more = cost.seconds(model, replace(work, steps=60), "cpu", None, paces)
    assert more["denoise"] > 100
    assert more["decode"] == pytest.approx(90)
