"""Flow sampling: noise to latents along the learned velocity, with classifier-free guidance.

The paper's network predicts ``v = x0 − ε`` at ``x_t = (1 − t) x0 + t ε``; diffusers' scheduler integrates
``ε − x0``. The sign turns in ``_scheduler_velocity`` and nowhere else.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from torch import Tensor

from isa_engine.dit import Conditioning
from isa_engine.pipeline.resume import LatentsFile

# How far guided colours are led back to those of the conditional branch; 0.7 in Lin et al.
_RESCALE = 0.7

# ``velocity(latents, timestep, conditioning)``, as ``ISADiT.forward``.
Velocity = Callable[[Tensor, Tensor, Conditioning], Tensor]
# ``watch(steps done, estimate of x0)`` after each step; may raise to stop.
Watch = Callable[[int, Tensor], None]


def initial_noise(shape: tuple[int, ...], seed: int) -> Tensor:
    """ε of a seed: drawn on the CPU in single precision, so that it is the same for every device."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def sample(
    velocity: Velocity,
    conditioning: Conditioning,
    noise: Tensor,
    steps: int,
    guidance: float,
    shift: float,
    watch: Watch,
    latents_file: LatentsFile | None = None,
) -> Tensor:
    """Integrate from noise at t = 1 to latents at t = 0 by Euler's method.

    Args:
        velocity: the network.
        noise: ``(B, C, t, h, w)`` float32, on the network's device.
        guidance: scale; 1 asks the conditional branch alone.
        shift: of the time schedule towards noise (SD3); 1 is uniform.
        latents_file: goes on from it, and writes it after each step.

    Returns:
        normalised latents, of noise's shape.
    """
    scheduler = FlowMatchEulerDiscreteScheduler(shift=shift)
    # Even steps down to t = 0; the scheduler's own default spends the last one on a thousandth of the way.
    scheduler.set_timesteps(sigmas=np.linspace(1, 1 / steps, steps), device=noise.device)
    branch = _guided(velocity, conditioning, guidance)
    done, latents = latents_file.load(noise) if latents_file else (0, noise)
    scheduler.set_begin_index(done)
    for step in range(done, steps):
        time = scheduler.sigmas[step].to(latents)
        flow = branch(latents, time.expand(len(latents)))
        estimate = latents + time * flow
        latents = scheduler.step(_scheduler_velocity(flow), scheduler.timesteps[step], latents).prev_sample
        if latents_file:
            latents_file.save(step + 1, latents)
        watch(step + 1, estimate)
    return latents


def _guided(
    velocity: Velocity, conditioning: Conditioning, guidance: float
) -> Callable[[Tensor, Tensor], Tensor]:
    """``v_uncond + guidance · (v_cond − v_uncond)``, rescaled; the unconditional branch keeps camera and
    background."""

    def conditional(latents: Tensor, timestep: Tensor) -> Tensor:
        return velocity(latents, timestep, conditioning).to(latents.dtype)

    if guidance == 1:
        return conditional
    nobody = _without_the_unseen(conditioning.without_cast())

    # One branch after the other: half the memory of a doubled batch, as fast once a video fills the device.
    def guided(latents: Tensor, timestep: Tensor) -> Tensor:
        base = velocity(latents, timestep, nobody).to(latents.dtype)
        told = conditional(latents, timestep)
        time = timestep.view(-1, 1, 1, 1, 1)
        estimate = latents + time * (base + guidance * (told - base))
        return (_rescaled(estimate, latents + time * told) - latents) / time

    return guided


def _rescaled(estimate: Tensor, told: Tensor) -> Tensor:
    """A guided estimate of x0 most of the way back to the colours of the conditional branch's.

    Guidance leads away from a picture of nobody, beyond what was asked for: the same person in colours darker
    and stronger. So each channel's mean and deviation are led back (after Lin et al. 2024, Eqs. 15 and 16,
    who lead back one deviation of all channels).
    """
    variance, mean = torch.var_mean(estimate, (2, 3, 4), correction=0, keepdim=True)
    told_variance, told_mean = torch.var_mean(told, (2, 3, 4), correction=0, keepdim=True)
    # A plain channel, which has no deviation to lead back, is not stretched.
    scale = (told_variance / variance.clamp_min(1e-6)).sqrt()
    return estimate.lerp(told_mean + scale * (estimate - mean), _RESCALE)


def _without_the_unseen(conditioning: Conditioning) -> Conditioning:
    """The same video for less: what is invisible or unknown throughout has no influence on it."""
    seen, known = conditioning.visible.any(1).any(0), conditioning.image_known.any(0)
    return replace(
        conditioning,
        points=conditioning.points[:, :, seen],
        ndc=conditioning.ndc[:, :, seen],
        visible=conditioning.visible[:, :, seen],
        identity=conditioning.identity[:, seen],
        identity_known=conditioning.identity_known[:, seen],
        image_tokens=conditioning.image_tokens[:, known],
        image_known=conditioning.image_known[:, known],
    )


def _scheduler_velocity(flow: Tensor) -> Tensor:
    return -flow
