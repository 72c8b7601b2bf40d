"""The perceptual distance, on weights of the real format."""

import pytest
import safetensors.torch
import torch

from isa_engine.errors import ModelError
from isa_engine.training.vae.perceptual import LPIPS


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    torch.manual_seed(0)
    state = LPIPS().state_dict()
    for stage in range(5):
        state[f"lin{stage}"] = torch.rand_like(state[f"lin{stage}"])
    path = tmp_path_factory.mktemp("lpips") / "lpips.safetensors"
    safetensors.torch.save_file(state, path)
    return path


def test_a_picture_is_no_distance_from_itself_and_farther_the_more_it_is_changed(weights):
    network = LPIPS.load(weights)
    picture, noise = torch.rand(1, 3, 64, 64) * 2 - 1, torch.randn(1, 3, 64, 64)
    near, far = network(picture, picture + 0.05 * noise), network(picture, picture + 0.3 * noise)
    assert network(picture, picture) == 0
    assert 0 < near < far


def test_it_steers_the_picture_and_not_itself(weights):
    network = LPIPS.load(weights)
    picture = torch.zeros(1, 3, 32, 32, requires_grad=True)
    network(picture, torch.rand(1, 3, 32, 32)).backward()
    assert picture.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in network.parameters())


def test_a_missing_tensor_is_named(weights, tmp_path):
    state = safetensors.torch.load_file(weights)
    del state["lin3"]
    safetensors.torch.save_file(state, tmp_path / "broken.safetensors")
    with pytest.raises(ModelError, match="lin3"):
        LPIPS.load(tmp_path / "broken.safetensors")


def test_a_folder_without_weights_and_a_file_that_is_not_there_are_named(tmp_path):
    for place in (tmp_path, tmp_path / "gone.safetensors"):
        with pytest.raises(ModelError) as refused:
            LPIPS.load(place)
        assert refused.value.where == str(place)
