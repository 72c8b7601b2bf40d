"""The speed that ``isa-engine bench clips`` prints."""

import pytest

from isa_engine import cli
from isa_engine.data.clips import clip_speed


@pytest.mark.parametrize("split", ["training", "held-out"])
def test_each_shape_is_timed_by_the_seconds_that_it_takes(monkeypatch, capsys, split):
    monkeypatch.setattr(clip_speed, "SHAPES", ((1, 16, 16), (3, 24, 32)))
    clock = iter(range(1000))
    monkeypatch.setattr(clip_speed.time, "process_time", lambda: next(clock) / 4)
    assert cli.main(["bench", "clips", "--split", split, "--clips", "2"]) == 0
    rows = capsys.readouterr().out.splitlines()[1:]
    assert [row.split("  ")[0] for row in rows] == ["1 × 16 × 16", "3 × 24 × 32"]
    # Every look at the clock is a quarter of a second after the last one.
    assert [float(row.split()[-1]) for row in rows] == [4.0, 4.0]


def test_an_unknown_split_is_named(capsys):
    assert cli.main(["bench", "clips", "--split", "mine"]) == 1
    assert "'mine'" in capsys.readouterr().err
