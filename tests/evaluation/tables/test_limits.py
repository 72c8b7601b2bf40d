"""Where a model stops obeying is found by one view after the other, and read by the preflight."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isa_engine.configuration import MODELS
from isa_engine.configuration.limits import Limits, limits_of
from isa_engine.evaluation.candidates.videos import Sampling
from isa_engine.evaluation.reporting.table import mean
from isa_engine.evaluation.tables import limits as measured
from isa_engine.evaluation.tables.limits import OBEYS, held


@given(st.lists(st.floats(0, 1.2), min_size=1, max_size=9))
def test_a_model_obeys_all_through_the_stretch_about_its_best(shares):
    first, last = held(range(len(shares)), shares)
    best = shares.index(max(shares))
    assert first <= best <= last
    if shares[best] >= OBEYS:
        assert all(share >= OBEYS for share in shares[first : last + 1])
    for beyond in (first - 1, last + 1):
        if 0 <= beyond < len(shares):
            assert shares[beyond] < OBEYS


def test_every_view_is_measured_and_the_limits_are_written(model, clips, tmp_path, monkeypatch):
    monkeypatch.setattr(measured, "SIZES", (20, 60))
    monkeypatch.setattr(measured, "ELEVATIONS", (0, 45))
    monkeypatch.setattr(measured, "LENSES", (50,))
    monkeypatch.setattr(measured, "PEOPLE", (1, 2))
    table = measured.limits(model, clips, 1, Sampling(1, 1.0), tmp_path)
    assert [row.name for row in table.rows] == [
        "20 pixels tall",
        "60 pixels tall",
        "0 degrees from above",
        "45 degrees from above",
        "50 mm",
        "1 people",
        "2 people",
    ]
    assert all(0 <= mean(row.cells[0]) <= 1 and 0 < mean(row.cells[1]) <= 1 for row in table.rows)
    (found,) = json.loads((tmp_path / f"limits-of-{model.config.name}.json").read_text()).values()
    assert set(found) == set(Limits.__dataclass_fields__)
    assert (tmp_path / "limits-pixels-tall.png").exists()


@pytest.mark.parametrize("model", MODELS)
def test_what_was_measured_can_be_read(model):
    limits = limits_of(model)
    if limits is not None:
        for least, most in (limits.size, limits.elevation, limits.lens):
            assert least <= most
        assert limits.people >= 1
