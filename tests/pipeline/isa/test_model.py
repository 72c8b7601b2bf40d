"""Weights come back as they went, and anything else is named."""

import dataclasses
import json

import pytest
import safetensors.torch
import torch

from isa_engine.dit.background_gate import BackgroundGate, somebody
from isa_engine.errors import ModelError
from isa_engine.pipeline import load_model
from isa_engine.pipeline.isa.conditioning import condition_shot
from isa_engine.pipeline.isa.model import build_model, save_model
from tests.pipeline.shots import MICRO, WINDOWED, footage, make_shot, speaking


def test_without_weights_a_model_is_the_same_everywhere_and_says_untrained():
    torch.manual_seed(1)
    one = build_model(MICRO, None, "cpu")
    torch.manual_seed(2)
    other = build_model(MICRO, None, "cpu")
    assert not one.trained
    for part, network in one.parts.items():
        for name, tensor in network.state_dict().items():
            assert torch.equal(tensor, other.parts[part].state_dict()[name]), (part, name)


def test_building_a_model_leaves_the_callers_random_numbers_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    build_model(MICRO, None, "cpu")
    assert torch.equal(torch.rand(1), expected)


def test_saved_weights_load_as_trained_and_equal(model, tmp_path):
    save_model(model.parts, {"steps": 3}, tmp_path)
    loaded = build_model(MICRO, tmp_path, "cpu")
    assert loaded.trained
    assert loaded.weights != "random"
    assert json.loads((tmp_path / "card.json").read_text()) == {"steps": 3}
    for part, network in model.parts.items():
        for name, tensor in network.state_dict().items():
            assert torch.equal(tensor, loaded.parts[part].state_dict()[name]), (part, name)


def test_a_gate_is_a_part_of_the_weights_and_there_once_it_is_trained(model, tmp_path):
    config = dataclasses.replace(MICRO, gate=True)
    untrained = build_model(config, None, "cpu")
    assert untrained.gate is None
    gate = BackgroundGate(width=config.dit.width, patch=config.dit.patch)
    save_model(model.parts | {"gate": gate}, {}, tmp_path)
    loaded = build_model(config, tmp_path, "cpu")
    assert loaded.trained
    assert torch.equal(loaded.gate.linear.bias, gate.linear.bias)
    rest = build_model(config, tmp_path, "cpu", read=("vae", "image_tower"))
    assert rest.gate is None
    assert not rest.trained
    (tmp_path / "gate.safetensors").unlink()
    with pytest.raises(ModelError, match=r"gate\.safetensors"):
        build_model(config, tmp_path, "cpu")


@pytest.mark.parametrize("config", [MICRO, WINDOWED], ids=["whole", "in pieces"])
@pytest.mark.parametrize("canvas", [(48, 32), (64, 48)], ids=["one tile", "tiles"])
def test_a_gate_is_told_at_each_latent_pixel_of_whoever_is_reprojected_there(config, canvas):
    """However the video is cut: a gate that reads nothing else says where they are."""
    gate = BackgroundGate(width=config.dit.width, patch=config.dit.patch)
    with torch.no_grad():
        gate.linear.weight.zero_()
        gate.linear.weight[:, -(config.dit.patch**2) :] = torch.eye(config.dit.patch**2)
        gate.linear.bias.zero_()
    model = dataclasses.replace(speaking(config), gate=gate)
    shot = make_shot(21, width=canvas[0], height=canvas[1])
    told = condition_shot(dataclasses.replace(shot, background=footage(21)), model)
    where = somebody(told)
    assert (where < 0.1).any()
    assert (where > 0.9).any()
    latents = torch.zeros_like(told.background_latents)
    said = model.predict(latents, torch.tensor([0.7]), told)
    torch.testing.assert_close(said.gate, where.sigmoid(), atol=1e-4, rtol=0)


def remove(tensors):
    del tensors["patchify.bias"]
    return "tensor 'patchify.bias' is missing"


def add(tensors):
    tensors["zzz"] = torch.zeros(1)
    return "tensor 'zzz' belongs to no part of the model"


def reshape(tensors):
    tensors["patchify.bias"] = torch.zeros(7)
    return r"tensor 'patchify.bias' is \(7,\) where \(32,\) is needed"


@pytest.mark.parametrize("damage", [remove, add, reshape])
def test_a_tensor_that_does_not_fit_is_named_with_its_file(model, tmp_path, damage):
    save_model(model.parts, {}, tmp_path)
    tensors = safetensors.torch.load_file(tmp_path / "dit.safetensors")
    sentence = damage(tensors)
    safetensors.torch.save_file(tensors, tmp_path / "dit.safetensors")
    with pytest.raises(ModelError, match=rf"^{sentence} \(.*dit\.safetensors\)$"):
        build_model(MICRO, tmp_path, "cpu")


class Trap:
    """Unpickled, it leaves a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def no_file(path, trap):
    path.unlink()


def a_pickle(path, trap):
    torch.save({"patchify.bias": Trap(trap)}, path)


def truncated(path, trap):
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize("damage", [no_file, a_pickle, truncated])
@pytest.mark.parametrize("part", ["vae", "dit", "image_tower"])
def test_a_file_that_is_no_safetensors_is_named_and_never_unpickled(model, tmp_path, part, damage):
    save_model(model.parts, {}, tmp_path)
    damage(tmp_path / f"{part}.safetensors", tmp_path / "sprung")
    with pytest.raises(ModelError, match=rf"cannot read the weights.*{part}\.safetensors\)"):
        build_model(MICRO, tmp_path, "cpu")
    assert not (tmp_path / "sprung").exists()


def test_an_unknown_model_or_device_is_named_with_those_there_are():
    with pytest.raises(ModelError, match=r"'isa-huge'.*isa-tiny"):
        load_model("isa-huge")
    with pytest.raises(ModelError, match=r"no device 'abacus'.*cpu"):
        load_model("isa-tiny", "abacus")
