"""``isa-engine train``: a folder with weights, curves and a checkpoint that is continued."""

import json
from types import SimpleNamespace

import pytest
import safetensors.torch
import torch

from isa_engine import cli
from isa_engine.commands import train
from isa_engine.configuration import weights
from isa_engine.training.dit.trainer import DiTTrainer

CONFIGURATIONS = {
    "vae": (
        "frames = [1, 1]\nsteps = [2, 1]\nbatch = 1\nheight = 32\nwidth = 32\n"
        "shift = 0\ngan_from = 1.0\nlinear_start = 2\nclips = 4"
    ),
    "dit": 'frames = [1]\nsizes = ["32x32"]\nsteps = 3\nbatch = 1',
    "gate": 'frames = [1]\nsizes = ["32x32"]\nsteps = 3\nbatch = 1',
}


@pytest.mark.parametrize("part", ["vae", "dit", "gate"])
def test_a_run_leaves_weights_and_curves_and_goes_on(tmp_path, capsys, part):
    configuration, out = tmp_path / "run.toml", tmp_path / "run"
    configuration.write_text(CONFIGURATIONS[part])
    command = ["train", part, "--config", str(configuration), "--out", str(out)]
    assert cli.main([*command, "--minutes", "0"]) == 0
    assert cli.main(command) == 0
    said = capsys.readouterr().out
    assert "continuing after step 0" in said
    assert said.index("the first clips are being made") < said.index("step 1 ")
    curve = [json.loads(line) for line in (out / "curves.jsonl").read_text().splitlines()]
    assert [point["step"] for point in curve] == [1, 2, 3]
    assert safetensors.torch.load_file(out / f"{part}.safetensors")
    assert list((out / "tensorboard").iterdir())


def test_a_run_that_minutes_end_is_cooled_down_by_then(tmp_path, monkeypatch):
    """A step takes six seconds by this clock, a tenth of the minute."""
    now, rates = 0.0, []

    def step(trainer, gone):
        nonlocal now
        now += 6.0
        loss = one_step(trainer, gone)
        rates.append(trainer.optimizer.param_groups[0]["lr"])
        return loss

    one_step = DiTTrainer.step
    monkeypatch.setattr(DiTTrainer, "step", step)
    monkeypatch.setattr(train, "time", SimpleNamespace(monotonic=lambda: now))
    settings = "steps = 10000\nlearning_rate = 1e-3\nwarm_up = 1\ncool_down_share = 0.5"
    (tmp_path / "run.toml").write_text(CONFIGURATIONS["dit"].replace("steps = 3", settings))
    command = ["train", "dit", "--config", str(tmp_path / "run.toml"), "--out", str(tmp_path / "run")]
    assert cli.main([*command, "--minutes", "1"]) == 0
    assert rates == pytest.approx([*[1e-3] * 6, 8e-4, 6e-4, 4e-4, 2e-4])


def test_a_loss_that_is_no_number_ends_the_run_before_it_is_saved(tmp_path, capsys, monkeypatch):
    configuration, out = tmp_path / "run.toml", tmp_path / "run"
    configuration.write_text(CONFIGURATIONS["dit"])
    command = ["train", "dit", "--config", str(configuration), "--out", str(out)]
    assert cli.main([*command, "--minutes", "0"]) == 0
    before = (out / "checkpoint.pt").read_bytes()
    monkeypatch.setattr(DiTTrainer, "batch_loss", lambda trainer, number: _lost(trainer))
    assert cli.main(command) == 1
    told = capsys.readouterr().err
    assert "the loss of step 1 is no finite number" in told
    assert "learning_rate" in told
    assert (out / "checkpoint.pt").read_bytes() == before


def _lost(trainer: DiTTrainer) -> torch.Tensor:
    return sum(parameter.sum() for parameter in trainer.networks.parameters()) * torch.nan


def test_a_transformer_learns_no_untrained_autoencoders_latents(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(weights, "WEIGHTS", tmp_path)
    (tmp_path / "run.toml").write_text(CONFIGURATIONS["dit"])
    command = ["train", "dit", "--config", str(tmp_path / "run.toml"), "--out", str(tmp_path / "run")]
    assert cli.main(command) == 1
    assert "the autoencoder of 'isa-tiny' is not trained" in capsys.readouterr().err


def test_a_model_without_a_gate_is_named(tmp_path, capsys):
    (tmp_path / "run.toml").write_text('model = "isa-4b"')
    command = ["train", "gate", "--config", str(tmp_path / "run.toml"), "--out", str(tmp_path / "run")]
    assert cli.main([*command]) == 1
    assert "'isa-4b' is not trained" in capsys.readouterr().err
    (tmp_path / "run.toml").write_text('model = "isa-4b"\nstart = "runs/dit"')
    assert cli.main([*command]) == 1
    assert "'isa-4b' has no gate" in capsys.readouterr().err


def test_an_unknown_key_is_one_line(tmp_path, capsys):
    (tmp_path / "run.toml").write_text("lernrate = 1")
    command = ["train", "vae", "--config", str(tmp_path / "run.toml"), "--out", str(tmp_path / "run")]
    assert cli.main(command) == 1
    assert "unknown key 'lernrate'" in capsys.readouterr().err


def test_a_run_learns_from_shards(tmp_path, capsys):
    configuration, shards = tmp_path / "run.toml", tmp_path / "shards"
    configuration.write_text(CONFIGURATIONS["vae"])
    small = ["--clips", "2", "--frames", "1", "--size", "32x32"]
    assert cli.main(["synthesize", "--out", str(shards), *small]) == 0
    command = ["train", "vae", "--config", str(configuration), "--out", str(tmp_path / "run")]
    assert cli.main([*command, "--data", str(shards)]) == 0
    assert "step 3: weights and curves" in capsys.readouterr().out
