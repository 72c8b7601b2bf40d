"""Linear layers that a processor multiplies by oneDNN, where nothing is learned or compiled.

PyTorch multiplies 32 bits by MKL, which uses half the width of the vectors of processors that Intel did not
make, and computes a GELU by itself afterwards, slowly. oneDNN, by which PyTorch runs its convolutions, uses
all of any processor's, and applies a GELU to what it has just multiplied.
"""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from isa_engine.networks.precision import linear_layers


class OneDNNLinear(nn.Linear):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.multiplies(x):
            return super().forward(x)
        return torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, "none", [], "")

    def multiplies(self, x: torch.Tensor) -> bool:
        """Whether oneDNN multiplies tokens: it has no gradients, and compilers have their own way."""
        learns = x.requires_grad or any(each.requires_grad for each in self.parameters())
        otherwise = torch.compiler.is_compiling() or (learns and torch.is_grad_enabled())
        return x.is_cpu and x.dtype == torch.float32 and not otherwise


class OneDNNLinearGELU(OneDNNLinear):
    """The layer, and the GELU that stood after it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.multiplies(x):
            return F.gelu(nn.Linear.forward(self, x), approximate="tanh")
        return torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, "gelu", [], "tanh")


def multiply_by_one_dnn(network: nn.Module) -> None:
    """Let oneDNN multiply the linear layers of a network on a processor for which PyTorch has it."""
    if not (torch.backends.mkldnn.is_available() and torch.backends.mkl.is_available()):
        return
    for sequence in [module for module in network.modules() if isinstance(module, nn.Sequential)]:
        for place, (linear, after) in enumerate(pairwise(sequence)):
            if type(linear) is nn.Linear and isinstance(after, nn.GELU) and after.approximate == "tanh":
                linear.__class__, sequence[place + 1] = OneDNNLinearGELU, nn.Identity()
    for linear in linear_layers(network):
        linear.__class__ = OneDNNLinear
