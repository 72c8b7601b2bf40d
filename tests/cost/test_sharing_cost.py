"""What ``isa-engine bench devices`` prints of a step that devices share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isa_engine.cli import main
from isa_engine.configuration import isa_tiny
from isa_engine.cost.generation import Work, step
from isa_engine.cost.products import operations
from isa_engine.cost.sharing import shared_step


@given(st.integers(9, 120), st.integers(1, 8))
def test_workers_share_all_of_a_steps_operations(latents, workers):
    work = Work(4 * latents - 3, 64, 64, 1, 1, guidance=2)
    parts = shared_step(isa_tiny(), work, workers)
    whole = sum(operations(step(isa_tiny(), work)).values())
    assert sum(part.latents for part in parts) == latents
    assert sum(part.operations for part in parts) == pytest.approx(whole)
    assert max(part.operations for part in parts) <= whole


def rows(capsys, *options: str) -> list[list[float]]:
    main(["bench", "devices", *options])
    said = capsys.readouterr().out
    assert "not measured" in said
    return [[float(number) for number in line.split()] for line in said.splitlines()[3:]]


def test_without_messages_devices_are_as_fast_as_the_largest_share_is_small(capsys):
    take = "isa-tiny", "--frames", "1997", "--side", "512"
    found = rows(capsys, *take, "--gigabytes", "1e9", "--milliseconds", "0")
    assert [row[0] for row in found] == [1, 2, 4, 8, 16]
    for devices, shares, count, _, _, speed in found:
        assert speed == pytest.approx(found[0][2] / count, rel=0.01)
        assert speed <= shares <= devices


def test_a_take_that_one_window_covers_gains_nothing(capsys):
    found = rows(capsys, "isa-tiny", "--frames", "33")
    assert all(row[1:] == found[0][1:] for row in found)


@pytest.mark.parametrize(
    ("option", "amount"),
    [("--frames", "0"), *((o, a) for o in ("--tflops", "--gigabytes") for a in ("0", "nan", "inf"))],
)
def test_a_device_or_a_take_of_nothing_is_refused(option, amount, capsys):
    assert main(["bench", "devices", "isa-tiny", option, amount]) == 1
    assert "of nothing" in capsys.readouterr().err
