"""The cost that is printed is the cost that torch counts."""

from dataclasses import asdict, replace

import pytest
import torch
from small_models import inputs
from torch.utils.flop_counter import FlopCounterMode

from isa_engine.configuration import MODELS, model_config
from isa_engine.dit import ISADiT
from isa_engine.dit.flops import forward_flops, parameters


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("latents", "characters"), [(1, 1), (5, 3)])
def test_operations_equal_what_torch_counts(name, latents, characters):
    config = model_config(name).dit
    size = {"latents": latents, "height": 12, "width": 8, "characters": characters, "image_tokens": 50}
    with torch.device("meta"):
        model = ISADiT(**asdict(config))
    x, time, conditioning = inputs(config, batch=1, device="meta", **size)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(x, time, conditioning)
    assert sum(forward_flops(config, **size).values()) == counter.get_total_flops()


@pytest.mark.parametrize("name", MODELS)
def test_parameters_by_part_are_all_parameters(name):
    config = model_config(name).dit
    with torch.device("meta"):
        model = ISADiT(**asdict(config))
    assert sum(parameters(config).values()) == model.num_parameters()


def test_the_papers_size_has_about_four_billion_parameters():
    assert 3.5e9 <= sum(parameters(model_config("isa-4b").dit).values()) <= 4.5e9


def test_the_smallest_has_fewer_than_ten_million():
    assert sum(parameters(model_config("isa-tiny").dit).values()) < 10e6


def test_ispe_costs_no_products():
    config = model_config("isa-small").dit
    ablated = replace(config, conditioning="isa-without-ispe")
    size = {"latents": 2, "height": 4, "width": 4, "characters": 1, "image_tokens": 3}
    assert forward_flops(config, **size) == forward_flops(ablated, **size)
    assert parameters(config) == parameters(ablated)
