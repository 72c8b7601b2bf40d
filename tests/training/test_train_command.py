"""``isa-engine train``: a folder with weights, curves and a checkpoint that is continued."""

import json

import pytest
import safetensors.torch

from isa_engine import cli, configuration

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
    assert "continuing after step 0" in capsys.readouterr().out
    curve = [json.loads(line) for line in (out / "curves.jsonl").read_text().splitlines()]
    assert [point["step"] for point in curve] == [1, 2, 3]
    assert safetensors.torch.load_file(out / f"{part}.safetensors")
    assert list((out / "tensorboard").iterdir())


def test_a_transformer_learns_no_untrained_autoencoders_latents(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(configuration, "WEIGHTS", tmp_path)
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
