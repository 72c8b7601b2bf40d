"""What takes the steps: AdamW, or Muon, which learns more from each of few steps."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from isa_engine.errors import ModelError

_BETAS = (0.9, 0.99)
_MOMENTUM = 0.95
# A matrix with fewer rows or columns has little to make orthogonal.
_NARROWEST = 32
# Newton and Schulz's iteration to an orthogonal matrix: a quintic that is quick rather than exact.
_QUINTIC = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
# An orthogonal step times this and the root of its longer side is as large as AdamW's.
_SIZE = 0.2


class Muon(torch.optim.AdamW):
    """Muon for matrices and kernels (Jordan and others, 2024: momentum is made orthogonal before it is a
    step), AdamW for all else, at one learning rate.

    torch's own ``Muon`` takes no kernels, and computes in bfloat16, which most CPUs only emulate.

    Args:
        parameters: to train.
        settings: as AdamW's.
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float, **settings: Any):
        matrices, others = [], []
        for parameter in parameters:
            wide = parameter.ndim > 1 and min(parameter.flatten(1).shape) >= _NARROWEST
            (matrices if wide else others).append(parameter)
        super().__init__([{"params": others}, {"params": matrices, "orthogonal": True}], lr, **settings)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """One step; matrices' gradients are used up by it."""
        for group in self.param_groups:
            if group.get("orthogonal"):
                alike = defaultdict(list)
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        alike[parameter.flatten(1).shape].append(parameter)
                for shape, parameters in alike.items():
                    self._step_matrices(parameters, shape, group)
        super().step()

    def _step_matrices(self, parameters: list[Tensor], shape: torch.Size, group: dict[str, Any]) -> None:
        """All of one shape at once: a GPU takes longer to be told of a small product than to make it."""
        for parameter in parameters:
            if not self.state[parameter]:
                # AdamW's own names, which it looks for when it resumes.
                self.state[parameter]["step"] = torch.zeros(())
                self.state[parameter]["exp_avg"] = torch.zeros_like(parameter)
        torch._foreach_add_([self.state[parameter]["step"] for parameter in parameters], 1)
        momenta = [self.state[parameter]["exp_avg"] for parameter in parameters]
        gradients = [parameter.grad for parameter in parameters]
        torch._foreach_lerp_(momenta, gradients, 1 - _MOMENTUM)
        ahead = torch._foreach_lerp(gradients, momenta, _MOMENTUM)
        steps = orthogonal(torch.stack([each.flatten(1) for each in ahead]))
        steps = [step.view_as(parameter) for step, parameter in zip(steps, parameters, strict=True)]
        torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
        torch._foreach_add_(parameters, steps, alpha=-group["lr"] * _SIZE * max(shape) ** 0.5)
        for parameter in parameters:
            # Like AdamW, leave alone what has no gradient.
            parameter.grad = None


def orthogonal(matrices: Tensor) -> Tensor:
    """About ``U Vᵀ`` of each matrix ``U S Vᵀ`` of ``(n, rows, columns)``: singular values go to between 0.7
    and 1.2."""
    a, b, c = _QUINTIC
    tall = matrices.shape[1] > matrices.shape[2]
    wide = matrices.mT if tall else matrices
    wide = wide / (torch.linalg.vector_norm(wide, dim=(1, 2), keepdim=True) + 1e-7)
    # All steps are polynomials of one small matrix, so that the wide one is multiplied twice only.
    gram = wide @ wide.mT
    one = torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
    product = one.expand_as(gram)
    for _ in range(_ITERATIONS):
        factor = torch.baddbmm(a * one + b * gram, gram, gram, alpha=c)
        product, gram = factor @ product, factor @ gram @ factor
    wide = product @ wide
    return wide.mT.contiguous() if tall else wide


def make_optimizer(
    name: str, parameters: Iterable[Tensor], learning_rate: float, weight_decay: float = 0.0
) -> torch.optim.AdamW:
    """An optimiser by its name in a run's configuration, "adamw" or "muon".

    Raises:
        ModelError: there is no such optimiser.
    """
    kinds = {"adamw": torch.optim.AdamW, "muon": Muon}
    if name not in kinds:
        raise ModelError(f"there is no optimiser '{name}'", remedy=f"Known are: {', '.join(kinds)}.")
    # Without fused kernels, calls alone take a tenth of a small model's step.
    return kinds[name](parameters, lr=learning_rate, betas=_BETAS, weight_decay=weight_decay, fused=True)
