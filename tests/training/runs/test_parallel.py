"""Training shared by several processes is the training of one."""

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch

from isa_engine.training.runs.run import Run
from tests.training.micro import micro_networks
from tests.training.two_processes import STEPS, alone, together


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("shared")
    together(folder)
    return folder


def results(folder: Path) -> list[dict]:
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1)]


def test_two_processes_have_the_losses_of_one_on_both_their_batches(shared):
    training = alone()
    expected = [training.step()["loss"].item() for _ in range(STEPS)]
    for result in results(shared):
        assert result["curve"] == pytest.approx(expected, rel=1e-5)


def test_each_process_holds_a_share_of_the_weights(shared):
    shares = [result["parameters"] for result in results(shared)]
    assert sum(shares) == sum(parameter.numel() for parameter in micro_networks().parameters())
    assert max(shares) < 0.6 * sum(shares)


def test_their_exported_weights_are_those_of_one_process(shared):
    training = alone()
    for _ in range(STEPS):
        training.step()
    exported = safetensors.torch.load_file(shared / "dit.safetensors")
    averaged = training.averaged().dit.state_dict()
    assert exported.keys() == averaged.keys()
    for name, value in averaged.items():
        torch.testing.assert_close(exported[name], value, atol=2e-4, rtol=0, msg=name)


def test_one_process_continues_what_two_began(shared):
    training = alone()
    training.load(Run(shared).load())
    assert training.steps_done == STEPS - 1
    assert training.step()["loss"].item() == pytest.approx(results(shared)[0]["curve"][-1], rel=1e-5)
