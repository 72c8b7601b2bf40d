"""The runs of an ablation: what they share, and that they may be stopped."""

import json
from dataclasses import replace

import pytest
import torch

from isa_engine import configuration
from isa_engine.errors import Cancelled
from isa_engine.evaluation.ablation import runs as ablation_runs
from isa_engine.evaluation.ablation.runs import Ablation, Runs
from isa_engine.training.configuration import DiTTraining
from tests.pipeline.shots import MICRO

STEPS = 4
NAMES = "micro", "micro-without-ispe", "micro-controlnet-2d"


@pytest.fixture
def runs(monkeypatch, model, clips):
    """``runs(folder, report)``, and what was rendered and encoded for them."""
    monkeypatch.setitem(configuration.MODELS, "micro", lambda: MICRO)
    monkeypatch.setattr(ablation_runs, "_BATCHES", 1)
    made = []

    class Counted(ablation_runs.Samples):
        def __call__(self, seeds, *size):
            made.extend((self.model.config.name, seed, *size) for seed in seeds)
            return super().__call__(seeds, *size)

    monkeypatch.setattr(ablation_runs, "Samples", Counted)
    settings = DiTTraining("micro", samples=3, batch=2, frames=(1,), sizes=("32x32",), steps=STEPS)

    def begin(folder, report=lambda what, done, of: None, **changes):
        return Runs(Ablation(replace(settings, **changes), (0,), model), clips, folder, report)

    return begin, made


def test_a_clip_is_encoded_once_for_all_conditionings(runs, tmp_path):
    begin, made = runs
    run = begin(tmp_path)
    assert run.common.names == NAMES
    models = [run(name, 0) for name in NAMES]
    assert len(made) == len(set(made)) <= 3 + 2
    assert {name for name, *_ in made} == {"micro"}
    assert models[2].dit.config.conditioning == "controlnet-2d"
    begin(tmp_path)("micro", 0)
    assert len(made) == len(set(made))


def test_the_bodies_are_in_what_each_conditioning_is_told(runs, tmp_path):
    begin, _ = runs
    run = begin(tmp_path)
    models = [run(name, 0) for name in NAMES]
    told = [ablation_runs._suited(run.batches(0), model)[1] for model in models]
    assert [conditions.normal_maps.shape[2] for conditions in told] == [0, 0, 48]
    assert told[2].normal_maps.abs().sum() > 0
    assert all(conditions.points.shape[2] % MICRO.dit.points == 0 for conditions in told)


def test_fewer_points_are_learned_from_where_the_configuration_says_so(runs, tmp_path):
    begin, _ = runs
    all_of_them = begin(tmp_path).batches(0)[1].points
    half = begin(tmp_path, points=MICRO.dit.points // 2).batches(0)[1].points
    assert half.shape[2] == all_of_them.shape[2] / 2, "nor are the samples of the other count taken for them"


def test_an_interrupted_run_goes_on_and_ends_as_if_nothing_had_happened(runs, tmp_path):
    begin, _ = runs

    def stop(what, done, of):
        if done == STEPS - 1:
            raise Cancelled("stopped")

    whole = begin(tmp_path / "whole")("micro", 0)
    with pytest.raises(Cancelled):
        begin(tmp_path / "stopped", stop)("micro", 0)
    steps = []
    parts = begin(tmp_path / "stopped", lambda what, done, of: steps.append(done))("micro", 0)
    assert steps == [STEPS]
    for name, weights in whole.dit.state_dict().items():
        assert torch.equal(weights, parts.dit.state_dict()[name]), name
    lines = [
        [json.loads(line)["validation"] for line in (tmp_path / of / "micro/seed-0/curves.jsonl").open()]
        for of in ("whole", "stopped")
    ]
    assert lines[0] == lines[1]
    # A finished one is not trained again.
    steps.clear()
    begin(tmp_path / "stopped", lambda what, done, of: steps.append(done))("micro", 0)
    assert steps == []
