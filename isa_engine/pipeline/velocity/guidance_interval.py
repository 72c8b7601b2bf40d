"""Guidance in a limited interval (Kynkäänniemi et al. 2024)."""

from torch import Tensor

from isa_engine.configuration.policies import Policy
from isa_engine.pipeline.velocity.guided import Nobody


class GuidanceInterval:
    """Outside the interval the branch with nobody is not evaluated, and the velocity is the conditional one.

    Args:
        steps: of the whole denoising.
    """

    def __init__(self, nobody: Nobody, policy: Policy, steps: int):
        self.nobody, self.policy, self.steps = nobody, policy, steps

    def __call__(self, latents: Tensor, timestep: Tensor, told: Tensor, step: int) -> Tensor:
        if self.policy.guides(step, self.steps):
            return self.nobody(latents, timestep, told, step)
        return told
