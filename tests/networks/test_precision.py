"""Linear layers that are kept in the precision in which they are multiplied."""

import copy

import torch

from isa_engine.networks.precision import keep_in_16_bits, linear_layers
from tests.dit.small_models import inputs, transformer


def test_what_is_kept_in_16_bits_predicts_the_same_bit_for_bit_from_half_the_bytes():
    whole = transformer()
    halved = copy.deepcopy(whole)
    keep_in_16_bits(halved)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(whole(*inputs()), halved(*inputs()))
    assert 2 * size(halved) == size(whole)


def size(network) -> int:
    return sum(part.nbytes for linear in linear_layers(network) for part in linear.parameters())
