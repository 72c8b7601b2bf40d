"""The precision in which the weights of linear layers are kept."""

import torch
from torch import nn


def linear_layers(network: nn.Module) -> list[nn.Linear]:
    return [module for module in network.modules() if type(module) is nn.Linear]


def keep_in_16_bits(network: nn.Module) -> None:
    """Keep the linear layers of a network that runs under bfloat16's autocast in that precision.

    The products are the same bit for bit: autocast would round the weights of 32 bits, to a copy, in each
    pass.
    """
    for linear in linear_layers(network):
        linear.to(torch.bfloat16)
