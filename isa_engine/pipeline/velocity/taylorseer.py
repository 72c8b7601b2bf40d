"""Forecasting (TaylorSeers, Liu et al. 2025), of first order, of the velocity itself.

The paper forecasts what each block adds. Measured on isa-tiny, the simplest place is the best: nothing of the
network runs on a forecast step, and the error is the smallest.
"""

from torch import Tensor

from isa_engine.configuration.policies import Policy
from isa_engine.pipeline.sampling import Velocity
from isa_engine.pipeline.velocity.memory import Memory

_NOW, _BEFORE = "forecast.now", "forecast.before"


class TaylorSeer:
    """Evaluates a velocity on some steps; on those between it goes on in a straight line through the last
    two.

    Exact where the velocity is linear in time.

    Args:
        steps: of the whole denoising.
    """

    def __init__(self, velocity: Velocity, policy: Policy, steps: int, memory: Memory):
        self.velocity, self.policy, self.steps, self.memory = velocity, policy, steps, memory

    def __call__(self, latents: Tensor, time: Tensor, step: int) -> Tensor:
        kept = self.memory
        if self.policy.asks(step, self.steps):
            flow = self.velocity(latents, time, step)
            if _NOW in kept:
                kept[_BEFORE], kept[f"{_BEFORE}.time"] = kept[_NOW], kept[f"{_NOW}.time"]
            kept[_NOW], kept[f"{_NOW}.time"] = flow, time
            return flow
        # Steps are of unequal lengths in time, so the slope is of time and not of steps.
        then, now = kept[f"{_BEFORE}.time"], kept[f"{_NOW}.time"]
        return kept[_NOW] + (kept[_NOW] - kept[_BEFORE]) * ((time - now) / (now - then))
