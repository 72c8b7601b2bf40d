"""What oneDNN multiplies is what PyTorch does, to rounding; learning and other devices do not notice it."""

import copy

import pytest
import torch
from torch import nn

from isa_engine.dit.transformer import FeedForward
from isa_engine.networks.one_dnn import multiply_by_one_dnn
from isa_engine.networks.precision import linear_layers
from isa_engine.pipeline.isa.model import build_model
from tests.pipeline.shots import MICRO

WIDTH = 48


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.ModuleDict(
        {
            "feed_forward": FeedForward(WIDTH),
            "silent": nn.Sequential(nn.Linear(WIDTH, 7), nn.SiLU(), nn.Linear(7, WIDTH, bias=False)),
            "single": nn.Linear(WIDTH, 1),
        }
    )


@pytest.fixture
def multiplied(network):
    found = copy.deepcopy(network)
    multiply_by_one_dnn(found)
    if linear_layers(found):
        pytest.skip("this PyTorch has no oneDNN, or no MKL")
    return found


def answers(network, x):
    return [part(x) for part in network.values()]


# No tokens: the points of nobody. Every other place: tokens across frames are not in the order of memory.
@pytest.mark.parametrize("tokens", [torch.randn(1, 5, n, WIDTH) for n in (0, 1, 13, 448)], ids=len)
@torch.inference_mode()
def test_the_products_are_the_same(network, multiplied, tokens):
    for x in (tokens, tokens[:, ::2], tokens.transpose(1, 2)):
        for found, expected in zip(answers(multiplied, x), answers(network, x), strict=True):
            torch.testing.assert_close(found, expected, atol=2e-6, rtol=2e-6)


@torch.inference_mode()
def test_a_tokens_product_does_not_depend_on_the_tokens_beside_it(multiplied):
    """So that devices that share a take round as one does."""
    tokens = torch.randn(1, 25, 64, WIDTH)
    whole, part = (answers(multiplied, x) for x in (tokens, tokens[:, 3:10]))
    for one, other in zip(whole, part, strict=True):
        assert torch.equal(one[:, 3:10], other)


def test_gradients_are_those_of_the_network_as_it_was(network, multiplied):
    tokens = torch.randn(3, WIDTH)
    for each in (network, multiplied):
        sum(part.square().sum() for part in answers(each, tokens)).backward()
    for one, other in zip(network.parameters(), multiplied.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)


@torch.inference_mode()
def test_other_precisions_are_multiplied_as_they_were(network, multiplied):
    tokens = torch.randn(3, WIDTH, dtype=torch.float64)
    for one, other in zip(
        answers(network.double(), tokens), answers(multiplied.double(), tokens), strict=True
    ):
        assert torch.equal(one, other)


def test_the_weights_keep_their_names(network, multiplied):
    assert list(multiplied.state_dict()) == list(network.state_dict())


def test_a_models_transformer_is_multiplied_so_on_a_processor(multiplied):
    assert linear_layers(build_model(MICRO, None, "cpu").dit) == []
