"""The table of policies: what it says of each, and which of them it names."""

import pytest

from isa_engine.configuration.policies import PRESETS, Policy
from isa_engine.evaluation.reporting.table import NOTHING, Row, Table
from isa_engine.evaluation.tables import speed as module
from isa_engine.evaluation.tables.speed import (
    EXACT,
    IDENTITY,
    IOU,
    OPERATIONS,
    SEAMS,
    SHARE,
    TO_EXACT,
    cheapest,
    name_of,
    speed,
)

WHOLE = name_of(EXACT.steps, EXACT.rules)
COLUMNS = ("policy", TO_EXACT, IOU, IDENTITY, SEAMS, OPERATIONS)


def table(*rows: tuple) -> Table:
    return Table(
        "Speed", COLUMNS, (Row(WHOLE, (NOTHING, 0.80, 0.90, 1.0, 9.0)), *(Row(*row) for row in rows))
    )


def test_the_cheapest_is_near_the_exact_one_and_loses_nothing():
    fine, dearer = ("fine", (41.0, 0.80, 0.90, 1.0, 4.0)), ("dearer", (50.0, 0.80, 0.90, 1.0, 5.0))
    assert cheapest(table(dearer, fine)) == "fine"
    lost = {
        "far": (39.0, 0.80, 0.90, 1.0, 1.0),
        "thin": (45.0, 0.78, 0.90, 1.0, 1.0),
        "others": (45.0, 0.80, 0.80, 1.0, 1.0),
        "jumps": (45.0, 0.80, 0.90, 1.1, 1.0),
    }
    assert cheapest(table(*lost.items(), fine)) == "fine"
    assert cheapest(table(*lost.items())) is None


def test_every_preset_is_a_row_and_what_is_spared_costs_less(model, clips, monkeypatch):
    monkeypatch.setattr(module, "_TRIED", ((4, Policy(points=2)), (4, Policy(guidance=2)), (4, Policy())))
    found = speed(model, clips, 1, 2.0)
    names = [row.name for row in found.rows]
    assert {name_of(preset.steps, preset.rules) for preset in PRESETS.values()} <= set(names)
    assert names[0] == WHOLE
    assert len(names) == len(set(names))
    assert found.cell(WHOLE, TO_EXACT) == NOTHING
    assert found.cell(WHOLE, SHARE) == 1
    whole = found.cell("4 steps", OPERATIONS)
    for spared in ("4 steps, points 2", "4 steps, guidance 2"):
        assert found.cell(spared, OPERATIONS) < whole
        assert found.cell(spared, TO_EXACT) > 0


@pytest.mark.parametrize(
    ("policy", "name"),
    [
        (Policy(), "9 steps"),
        (Policy(forecast=3, points=2), "9 steps, forecast 3, points 2"),
        (Policy(guidance=2, guided=(0.1, 1)), "9 steps, guidance 2, guided 0.1 to 1"),
    ],
)
def test_a_row_is_called_by_what_it_does(policy, name):
    assert name_of(9, policy) == name
