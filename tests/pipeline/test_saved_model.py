"""Networks in diffusers' folders: what is not theirs is named, whatever diffusers would do."""

import json

import pytest
import safetensors.torch
import torch

from isa_engine.errors import ModelError

WEIGHTS = "diffusion_pytorch_model.safetensors"
# A part, a key of its configuration with another size, and a tensor of it.
PARTS = [
    ("vae", {"latent_channels": 8}, "encoder.conv_in.bias"),
    ("dit", {"width": 64}, "patchify.bias"),
    ("image_tower", {"width": 64}, "transformer.conv1.weight"),
]


@pytest.fixture(params=PARTS, ids=lambda part: part[0])
def saved(request, model, tmp_path):
    """A network, its folder, a configuration of another size, and the name of a tensor."""
    part, other, tensor = request.param
    network = model.parts[part]
    network.save_pretrained(tmp_path)
    return network, tmp_path, other, tensor


def refused(network, folder, sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence) as error:
        type(network).from_pretrained(folder)
    assert "\n" not in str(error.value)
    assert str(folder) in str(error.value)


def reconfigure(folder, change) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config))


def test_it_comes_back_as_it_went(saved):
    network, folder, _, _ = saved
    again = type(network).from_pretrained(folder).state_dict()
    assert again.keys() == network.state_dict().keys()
    assert all(torch.equal(again[name], value) for name, value in network.state_dict().items())
    half = type(network).from_pretrained(folder.parent, subfolder=folder.name, torch_dtype=torch.bfloat16)
    assert half.dtype == torch.bfloat16


def test_an_unknown_key_is_named_with_its_file(saved):
    network, folder, _, _ = saved
    reconfigure(folder, lambda config: config.update(colour="blue"))
    refused(network, folder, r"config\.json: unknown key 'colour'\. Known are: ")
    config = dict(network.config, colour="blue")
    with pytest.raises(ModelError, match="configuration: unknown key 'colour'"):
        type(network).from_config(config)


def test_a_missing_key_is_named(saved):
    network, folder, other, _ = saved
    (key,) = other
    reconfigure(folder, lambda config: config.pop(key))
    refused(network, folder, f"missing key '{key}'")


def test_a_checkpoint_of_another_size_is_named_by_a_tensor(saved):
    network, folder, other, _ = saved
    reconfigure(folder, lambda config: config.update(other))
    refused(network, folder, r"tensor '[\w.]+' is \(.*\), not \(")


def test_a_tensor_that_is_missing_or_surplus_is_named(saved):
    network, folder, _, name = saved
    tensors = safetensors.torch.load_file(folder / WEIGHTS)
    taken = tensors.pop(name)
    safetensors.torch.save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    refused(network, folder, f"tensor '{name}' is missing")
    tensors |= {name: taken, "zzz": torch.zeros(1)}
    safetensors.torch.save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    refused(network, folder, "tensor 'zzz' belongs to no part")


def test_a_pickle_is_not_read_and_a_broken_file_is_named(saved):
    network, folder, _, _ = saved
    whole = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(whole[:-10])
    refused(network, folder, f"{WEIGHTS}: cannot read the weights")
    (folder / WEIGHTS).unlink()
    torch.save(network.state_dict(), folder / "diffusion_pytorch_model.bin")
    refused(network, folder, "no .safetensors file is here")


def test_a_folder_without_a_configuration_is_named_and_nothing_is_fetched(saved, tmp_path):
    network, _, _, _ = saved
    refused(network, tmp_path / "someone" / "model", r"config\.json: cannot read the configuration")
    (tmp_path / "config.json").write_text("[]")
    refused(network, tmp_path, "no table of keys")
