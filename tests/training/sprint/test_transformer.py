"""A sprint learns by the clock, waits for nothing, and goes back when it must."""

import json
import threading
from dataclasses import replace

import pytest
import torch

from isa_engine.errors import ModelError
from isa_engine.networks.weight_files import read_weights
from isa_engine.training.ring.ring import Ring
from isa_engine.training.ring.shelves import draws_of_dit, layout_for
from isa_engine.training.sprint import held_out, loop, transformer
from isa_engine.training.sprint.clock import Clock
from isa_engine.training.sprint.outputs import RAW, SHEET, USED, check
from isa_engine.training.sprint.recipe import SprintTraining, read_recipe
from isa_engine.training.sprint.transformer import TransformerSprint
from tests.training.clip_sources import plain_clip
from tests.training.operators import Operators
from tests.training.ring.test_ring import fill
from tests.training.sprint.toy import write_recipe


class Time:
    """A second passes whenever somebody looks."""

    def __init__(self):
        self.seconds = 0.0

    def __call__(self) -> float:
        self.seconds += 1
        return self.seconds


@pytest.fixture
def sprint(tmp_path, monkeypatch):
    """Begins a sprint of so many minutes from a ring that is full already."""

    def begin(minutes: float = 10.0, start=None, precision: str = "fp32") -> TransformerSprint:
        settings = read_recipe(write_recipe(tmp_path, precision), SprintTraining, start, tmp_path / "start")
        draws = draws_of_dit(settings)
        ring = Ring.create(tmp_path / "ring", layout_for(draws, 12, 2, 3_000_000, 1e9, 0))
        fill(ring, 30, lambda *clip: plain_clip(*clip, points=12))
        monkeypatch.setattr(transformer, "open_ring", lambda *_: ring)
        monkeypatch.setattr(loop, "start", lambda folder: None)
        monkeypatch.setattr(held_out, "_CLIPS", 1)
        out, story = tmp_path / "out", tmp_path / "story"
        return TransformerSprint(settings, out, story, Clock(minutes, 20, Time()), "cpu", "ring")

    return begin


def curve(run: TransformerSprint) -> list[dict]:
    return [json.loads(line) for line in (run.outputs.folder / "curves.jsonl").read_text().splitlines()]


def test_a_sprint_learns_until_its_time_is_over_and_cools_down(sprint, tmp_path):
    run = sprint()
    run()
    out = tmp_path / "out"
    check(out)
    assert {USED, RAW, SHEET, "run.json", "curves.jsonl"} <= {file.name for file in out.iterdir()}
    points = [point for point in curve(run) if "loss" in point]
    assert points[-1]["step"] == run.trainer.steps_done > 40
    assert points[-1]["loss"] < 0.9 * points[0]["loss"]
    rates = [point["learning_rate"] for point in points]
    assert max(rates) == pytest.approx(3e-3)
    assert rates[-1] < 0.1 * max(rates)
    assert run.batches.points == 12
    losses = [point["held_out_loss"] for point in curve(run) if "held_out_loss" in point]
    assert len(losses) >= 3
    again = sprint(minutes=1, start=out)
    learned = run.trainer.networks.state_dict()
    for name, value in again.trainer.networks.state_dict().items():
        torch.testing.assert_close(value, learned[name], atol=0.02 * learned[name].abs().max(), rtol=0)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_step_waits_for_nothing(sprint, precision):
    run = sprint(precision=precision)
    run.trainer.step(0.1)
    with Operators() as operators:
        run.trainer.step(0.2)
    assert operators.kernels > 100
    assert operators.waits == {}


def test_a_loss_that_is_no_number_leads_back_to_the_last_export_at_half_the_rate(sprint):
    run = sprint()
    for share in (0.1, 0.2):
        run.trainer.step(share)
    run.export()
    good = {name: value.clone() for name, value in run.trainer.networks.state_dict().items()}
    with torch.no_grad():
        next(run.trainer.networks.dit.parameters()).fill_(torch.nan)
    run.log([run.step(0.3)])
    for name, value in run.trainer.networks.state_dict().items():
        assert torch.equal(value, good[name]), name
    assert all(average.isfinite().all() for average in run.trainer.ema.shadow_params)
    assert "back to the last export" in run.fallbacks.taken[0]
    for _ in range(6):
        loss = run.trainer.step(0.3)["loss"]
    assert loss.isfinite()
    assert run.trainer.optimizer.param_groups[0]["lr"] == pytest.approx(1.5e-3)
    # What is written is never what went wrong.
    with torch.no_grad():
        next(run.trainer.networks.dit.parameters()).fill_(torch.nan)
    run.export()
    run.outputs.wait()
    assert all(value.isfinite().all() for value in read_weights(run.outputs.folder / RAW).values())


def test_a_sprint_that_fails_still_writes_what_it_had_begun_to_write(sprint, monkeypatch):
    run, writing = sprint(), threading.Event()
    write = run.outputs._write

    def slowly(weights):
        writing.wait()
        write(weights)

    def fails(gone):
        run.export()
        threading.Timer(0.5, writing.set).start()
        raise ModelError("the device is gone")

    monkeypatch.setattr(run.outputs, "_write", slowly)
    monkeypatch.setattr(run, "step", fails)
    with pytest.raises(ModelError, match="the device is gone"):
        run()
    assert read_weights(run.outputs.folder / USED)
    assert read_weights(run.outputs.folder / RAW)


def test_a_batch_too_large_for_the_memory_is_halved(sprint):
    run = sprint()
    step, failures = run.trainer.step, [torch.OutOfMemoryError("CUDA out of memory")] * 2

    def fails(share):
        if failures:
            raise failures.pop()
        return step(share)

    run.fallbacks(lambda: fails(0.1))
    run.fallbacks(lambda: fails(0.1))
    assert run.settings.batch == 2
    assert {draw.clips for draw in run.batches.draws} == {2, 1}
    run.settings = run.settings.__class__(**{**vars(run.settings), "batch": 1})
    with pytest.raises(ModelError, match="not even one"):
        run.halve()


def test_a_sheet_that_fails_costs_no_weights(sprint, monkeypatch):
    run = sprint(minutes=1)

    def fails():
        raise RuntimeError("no picture")

    monkeypatch.setattr(run, "look", fails)
    run()
    assert read_weights(run.outputs.folder / USED)
    assert not (run.outputs.folder / SHEET).exists()


def test_the_batch_grows_while_the_device_is_idle_and_not_beyond_its_most(sprint, monkeypatch):
    run = sprint()
    run.settings = replace(run.settings, most_batch=3 * run.settings.batch)
    run.device, run.trainer.steps_done = torch.device("cuda"), loop._SETTLED + 1
    began, clips = run.settings.batch, run.batches.draws[0].clips

    def told(busy: int, times: int) -> int:
        monkeypatch.setattr(torch.cuda, "utilization", lambda: busy)
        for _ in range(times):
            run.log([{"loss": torch.tensor(1.0)}])
            last = (run.story.folder / "curves.jsonl").read_text().splitlines()[-1]
            assert json.loads(last)["device_busy"] == busy
        return run.settings.batch

    assert told(20, 2) == began
    assert told(95, 1) == began
    assert told(20, 2) == began, "now and then it may be idle"
    assert told(20, 1) == 2 * began
    assert run.batches.draws[0].clips == 2 * clips
    assert told(20, 9) == 2 * began

    run.halve()
    assert told(20, 9) == began, "what did not fit once is not tried again"
