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
    assert cost.paces(model, work, dict.fromkeys(phases, 1.0)) == phases


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
    paces = cost.paces(model, work, dict.fromkeys(slow, 90))
    assert cost.seconds(model, work, "", None, paces) == pytest.approx(dict.fromkeys(paces, 90))
    more = cost.seconds(model, replace(work, steps=60), "cpu", None, paces)
    assert more["denoise"] > 100
    assert more["decode"] == pytest.approx(90)


@pytest.mark.parametrize("device", ["cpu", "cuda:0"])
def test_a_larger_plate_takes_as_much_longer_whatever_the_networks_run_on(device):
    """A processor lays it over its background; an earlier plate of another size tells the same."""
    model, work = describe("isa-tiny"), plan().work
    spent = {
        scale: cost.seconds(model, replace(work, plate_scale=scale), device, None, {}) for scale in (1, 2, 4)
    }
    more = {scale: spent[scale]["decode"] - spent[1]["decode"] for scale in spent}
    assert more[4] == pytest.approx(5 * more[2])
    assert more[2] > 0
    for then in spent:
        known = cost.paces(model, replace(work, plate_scale=then), spent[then])
        for now in spent:
            told = cost.seconds(model, replace(work, plate_scale=now), device, None, known)
            larger = max(spent[then]["decode"], spent[now]["decode"])
            assert told["decode"] == pytest.approx(spent[now]["decode"], abs=larger / 9)
            assert told["denoise"] == pytest.approx(spent[now]["denoise"])
