"""Flow sampling: noise to latents along the learned velocity, with classifier-free guidance.

The paper's network predicts ``v = x0 − ε`` at ``x_t = (1 − t) x0 + t ε``; diffusers' scheduler integrates
``ε − x0``. The sign turns in ``_scheduler_velocity`` and nowhere else.
"""

from collections.abc import Callable

import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from torch import Tensor

from isa_engine.dit import Conditioning

# ``velocity(latents, time, conditioning)``, as ``ISADiT.forward``.
Velocity = Callable[[Tensor, Tensor, Conditioning], Tensor]
# ``watch(steps done, estimate of x0)`` after each step; may raise to stop.
Watch = Callable[[int, Tensor], None]


def initial_noise(shape: tuple[int, ...], seed: int) -> Tensor:
    """ε of a seed: drawn on the CPU in single precision, so that it is the same on every device."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def sample(
    velocity: Velocity,
    conditioning: Conditioning,
    noise: Tensor,
    steps: int,
    guidance: float,
    shift: float,
    watch: Watch,
) -> Tensor:
    """Integrate from noise at t = 1 to latents at t = 0.

    Args:
        velocity: the network.
        noise: ``(B, C, t, h, w)``, on the network's device.
        steps: Euler steps.
        guidance: scale; 1 asks the conditional branch alone.
        shift: of the time schedule towards noise (SD3); 1 is uniform.

    Returns:
        Normalised latents, of noise's shape.
    """
    scheduler = FlowMatchEulerDiscreteScheduler(shift=shift)
    scheduler.set_timesteps(steps, device=noise.device)
    latents = noise
    for step, timestep in enumerate(scheduler.timesteps):
        time = scheduler.sigmas[step].to(latents)
        flow = guided(velocity, latents, time, conditioning, guidance)
        estimate = latents + time * flow
        latents = scheduler.step(_scheduler_velocity(flow), timestep, latents).prev_sample
        watch(step + 1, estimate)
    return latents


def guided(
    velocity: Velocity, latents: Tensor, time: Tensor, conditioning: Conditioning, guidance: float
) -> Tensor:
    """``v_uncond + guidance · (v_cond − v_uncond)``; the unconditional branch has no cast."""
    times = time.expand(len(latents))
    if guidance == 1:
        return velocity(latents, times, conditioning)
    both = Conditioning.concatenate([conditioning, conditioning.without_cast()])
    with_cast, without = velocity(latents.repeat(2, 1, 1, 1, 1), times.repeat(2), both).chunk(2)
    return without + guidance * (with_cast - without)


def _scheduler_velocity(flow: Tensor) -> Tensor:
    return -flow
