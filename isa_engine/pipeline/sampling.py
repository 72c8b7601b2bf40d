"""Flow sampling: noise to latents along a velocity.

The paper's network predicts ``v = x0 − ε`` at ``x_t = (1 − t) x0 + t ε``; diffusers' scheduler integrates
``ε − x0``. The sign turns in ``_scheduler_velocity`` and nowhere else.
"""

from collections.abc import Callable

import numpy as np
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from torch import Tensor

# ``velocity(x_t, t, step)``: ``(B, C, t, h, w)`` float32, a time from 1 to 0 and the step, from 0, to v of
# x_t's shape. ``pipeline.velocity`` builds them.
Velocity = Callable[[Tensor, Tensor, int], Tensor]
# ``watch(steps done, latents, estimate of x0)`` after each step; may raise to stop.
Watch = Callable[[int, Tensor, Tensor], None]


def initial_noise(shape: tuple[int, ...], seed: int, temperature: float = 1.0) -> Tensor:
    """``temperature · ε`` of a seed, ``(B, C, t, h, w)``: where denoising begins.

    Drawn on the CPU in single precision, so that it is the same for every device, and one latent after the
    other, so that a longer take begins with the noise of a shorter one.
    """
    batch, channels, latents, *size = shape
    generator = torch.Generator().manual_seed(seed)
    drawn = [torch.randn(batch, channels, *size, generator=generator) for _ in range(latents)]
    return temperature * torch.stack(drawn, 2)


def sample(
    velocity: Velocity,
    latents: Tensor,
    steps: int,
    shift: float,
    watch: Watch = lambda done, latents, estimate: None,
    begin: int = 0,
) -> Tensor:
    """Integrate from noise at t = 1 to latents at t = 0 by Euler's method.

    Args:
        latents: noise ``(B, C, t, h, w)`` float32, on the network's device; or what ``watch`` was given after
            ``begin`` steps.
        shift: of the time schedule towards noise (SD3); 1 is uniform.

    Returns:
        normalised latents, of noise's shape.
    """
    scheduler = FlowMatchEulerDiscreteScheduler(shift=shift)
    # Even steps down to t = 0; the scheduler's own default spends the last one on a thousandth of the way.
    scheduler.set_timesteps(sigmas=np.linspace(1, 1 / steps, steps), device=latents.device)
    scheduler.set_begin_index(begin)
    for step in range(begin, steps):
        time = scheduler.sigmas[step].to(latents)
        flow = velocity(latents, time, step)
        estimate = latents + time * flow
        latents = scheduler.step(_scheduler_velocity(flow), scheduler.timesteps[step], latents).prev_sample
        watch(step + 1, latents, estimate)
    return latents


def _scheduler_velocity(flow: Tensor) -> Tensor:
    return -flow
