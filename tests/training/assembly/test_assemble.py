"""Runs become a weights folder that loads, with a card that tells their story."""

import dataclasses
import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from isa_engine.configuration import MODELS
from isa_engine.errors import ModelError
from isa_engine.pipeline.isa.model import build_model
from isa_engine.training.assembly.assemble import assemble
from isa_engine.training.configuration import VAETraining
from isa_engine.training.runs.run import Run
from tests.pipeline.shots import MICRO


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Two runs of a model called micro that hold all of its parts."""
    monkeypatch.setitem(MODELS, "micro", lambda: MICRO)
    parts = build_model(MICRO, None, "cpu").parts
    for name, held in (("vae", ("vae", "matte_head")), ("dit", ("dit", "image_tower"))):
        run = Run(tmp_path / name)
        run.describe(dataclasses.replace(VAETraining(), seed=5), "cpu")
        for step in range(1, 200):
            run.log(step, {"loss": 1 / step})
        for part in held:
            save_file(parts[part].state_dict(), tmp_path / name / f"{part}.safetensors")
    return [tmp_path / "vae", tmp_path / "dit"]


def test_the_folder_loads_as_trained_within_half_precision(runs, tmp_path):
    assemble("micro", runs, tmp_path / "weights")
    loaded, truth = build_model(MICRO, tmp_path / "weights", "cpu"), build_model(MICRO, None, "cpu")
    assert loaded.trained
    for part, network in truth.parts.items():
        for name, tensor in network.state_dict().items():
            ours = loaded.parts[part].state_dict()[name]
            assert torch.allclose(ours, tensor, rtol=1e-3, atol=1e-6), (part, name)


def test_a_model_that_travels_in_8_bits_takes_a_quarter_and_loads_within_a_hundredth(
    runs, tmp_path, monkeypatch
):
    monkeypatch.setitem(MODELS, "micro", lambda: dataclasses.replace(MICRO, bits=8))
    assemble("micro", runs, tmp_path / "weights")
    loaded, truth = build_model(MICRO, tmp_path / "weights", "cpu"), build_model(MICRO, None, "cpu")
    assert loaded.trained
    for part, network in truth.parts.items():
        for name, tensor in network.state_dict().items():
            away = (loaded.parts[part].state_dict()[name] - tensor).abs()
            assert away.max() <= 0.01 * tensor.abs().max(), (part, name)
    whole, carried = (
        sum((folder / f"{part}.safetensors").stat().st_size for folder, part in held)
        for held in (
            [(runs[0], "vae"), (runs[1], "dit")],
            [(tmp_path / "weights", part) for part in ("vae", "dit")],
        )
    )
    assert carried < 0.4 * whole


def test_the_card_tells_settings_steps_hardware_and_a_short_curve(runs, tmp_path):
    assemble("micro", runs, tmp_path / "weights")
    card = json.loads((tmp_path / "weights" / "card.json").read_text())
    assert card["model"] == "micro"
    history = card["trained"]["dit"]
    assert history["settings"]["seed"] == 5
    assert history["steps"] == 199
    assert "CPU" in history["hardware"]
    assert len(history["curve"]) <= 60
    losses = [point["loss"] for point in history["curve"]]
    assert losses == sorted(losses, reverse=True)


def test_steps_that_a_killed_run_took_again_count_once(runs, tmp_path):
    for step in range(150, 200):
        Run(runs[1]).log(step, {"loss": 0.0})
    assemble("micro", runs, tmp_path / "weights")
    history = json.loads((tmp_path / "weights" / "card.json").read_text())["trained"]["dit"]
    assert history["steps"] == 199
    assert history["curve"][-1]["loss"] == 0
    assert [point["step"] for point in history["curve"]] == sorted(p["step"] for p in history["curve"])


def test_a_missing_part_is_named_and_nothing_is_written(runs, tmp_path):
    (runs[1] / "image_tower.safetensors").unlink()
    with pytest.raises(ModelError, match="no run left weights of image_tower"):
        assemble("micro", runs, tmp_path / "weights")
    assert not (tmp_path / "weights").exists()


def test_weights_that_a_run_went_on_from_give_what_it_left_as_it_was_and_their_story(runs, tmp_path):
    assemble("micro", runs, tmp_path / "before")
    again = runs[1].rename(tmp_path / "dit-again")
    tower = load_file(again / "image_tower.safetensors")
    save_file({name: tensor + 1 for name, tensor in tower.items()}, again / "image_tower.safetensors")
    card = assemble("micro", [tmp_path / "before", again], tmp_path / "after")
    assert list(card["trained"]) == ["vae", "dit", "dit-again"]
    for part, change in (("vae", 0), ("image_tower", 1)):
        before, after = (load_file(tmp_path / of / f"{part}.safetensors") for of in ("before", "after"))
        for name, tensor in before.items():
            assert torch.allclose(after[name].float(), tensor.float() + change, rtol=1e-3, atol=1e-6)


def test_two_runs_of_one_name_are_refused_and_nothing_is_written(runs, tmp_path):
    assemble("micro", runs, tmp_path / "before")
    with pytest.raises(ModelError, match="two runs are called 'dit'"):
        assemble("micro", [tmp_path / "before", runs[1]], tmp_path / "after")
    assert not (tmp_path / "after").exists()
