"""Weights that lie in the machine's memory and come to the device when they are needed."""

from collections.abc import Callable

import torch
from torch import nn

from isa_engine.networks.precision import linear_layers


class FromMemory(nn.Linear):
    """A linear layer whose weights come to the device of its input each time it is run, and go at once.

    The copy is queued before the product, so nobody waits for it but the device itself. It is of the layer
    and not of a block, by hooks on ``forward``: the blocks of ISA-DiT are run by several ways in.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weight, bias = (
            None if part is None else part.to(x.device, non_blocking=True)
            for part in (self.weight, self.bias)
        )
        return nn.functional.linear(x, weight, bias)

    def _apply(self, fn: Callable, recurse: bool = True) -> nn.Module:
        # The network that it is in may go to a device: it stays.
        return self


def keep_in_memory(network: nn.Module, device: torch.device, dtype: torch.dtype) -> None:
    """Put a network that lies in the machine's memory on a device, but for the weights of linear layers.

    Args:
        dtype: of these: the one in which they are multiplied, since half as many bytes come in half the time.
    """
    for linear in linear_layers(network):
        linear.to(dtype)
        if device.type == "cuda":
            # A copy from other memory than pinned would stop the program until it is done.
            for parameter in linear.parameters():
                parameter.data = parameter.data.pin_memory()
        linear.__class__ = FromMemory
    network.to(device)
