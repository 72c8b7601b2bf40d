"""What takes the steps: AdamW, or Muon, which learns more from each of few steps."""

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
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        self._step_matrix(parameter, group)
                        # AdamW leaves alone what has no gradient.
                        parameter.grad = None
        super().step()

    def _step_matrix(self, parameter: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            # AdamW's own names, which it looks for when it resumes.
            state["step"] = torch.zeros(())
            state["exp_avg"] = torch.zeros_like(parameter)
        state["step"] += 1
        momentum = state["exp_avg"].lerp_(parameter.grad, 1 - _MOMENTUM)
        step = orthogonal(parameter.grad.lerp(momentum, _MOMENTUM).flatten(1))
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        size = _SIZE * max(step.shape) ** 0.5
        parameter.sub_(step.view_as(parameter), alpha=group["lr"] * size)


def orthogonal(matrix: Tensor) -> Tensor:
    """About ``U Vᵀ`` of a matrix ``U S Vᵀ``: singular values go to between 0.7 and 1.2."""
    a, b, c = _QUINTIC
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    wide = wide / (wide.norm() + 1e-7)
    # All steps are polynomials of one small matrix, so that the wide one is multiplied twice only.
    gram = wide @ wide.T
    one = torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    product = one
    for _ in range(_ITERATIONS):
        factor = a * one + (b * one + c * gram) @ gram
        product, gram = factor @ product, factor @ gram @ factor
    wide = product @ wide
    return wide if matrix.shape[0] <= matrix.shape[1] else wide.T


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
    # A small model's step costs as many calls as a large one's: without the fused kernels, a tenth of it.
    return kinds[name](parameters, lr=learning_rate, betas=_BETAS, weight_decay=weight_decay, fused=True)
