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
from isa_engine.dit.background_gate import Prediction, gated
from isa_engine.pipeline.resume import LatentsFile

# How far guided colours are led back to those of the conditional branch; 0.7 in Lin et al.
_RESCALE = 0.7

# ``network(latents, timestep, conditioning)``; latents and timestep as of ``ISADiT.forward``.
Network = Callable[[Tensor, Tensor, Conditioning], Prediction]
# ``watch(steps done, estimate of x0)`` after each step; may raise to stop.
Watch = Callable[[int, Tensor], None]


def initial_noise(shape: tuple[int, ...], seed: int) -> Tensor:
    """ε of a seed: drawn on the CPU in single precision, so that it is the same for every device."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def sample(
    network: Network,
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
        network: predicts.
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
    imagine = _guided(network, conditioning, guidance)
    done, latents = latents_file.load(noise) if latents_file else (0, noise)
    scheduler.set_begin_index(done)
    for step in range(done, steps):
        time = scheduler.sigmas[step].to(latents)
        estimate = imagine(latents, time.expand(len(latents)))
        flow = (estimate - latents) / time
        latents = scheduler.step(_scheduler_velocity(flow), scheduler.timesteps[step], latents).prev_sample
        if latents_file:
            latents_file.save(step + 1, latents)
        watch(step + 1, estimate)
    return latents


def _guided(
    network: Network, conditioning: Conditioning, guidance: float
) -> Callable[[Tensor, Tensor], Tensor]:
    """The estimate of x0 along ``v_uncond + guidance · (v_cond − v_uncond)``, rescaled, then gated by what
    the conditional branch knows of the cast; the unconditional one keeps camera and background."""
    nobody = None if guidance == 1 else _without_the_unseen(conditioning.without_cast())

    # One branch after the other: half the memory of a doubled batch, as fast once a video fills the device.
    def imagine(latents: Tensor, timestep: Tensor) -> Tensor:
        time = timestep.view(-1, 1, 1, 1, 1)
        told = network(latents, timestep, conditioning)
        estimate = latents + time * told.velocity.to(latents.dtype)
        if nobody is not None:
            base = latents + time * network(latents, timestep, nobody).velocity.to(latents.dtype)
            estimate = _rescaled(base + guidance * (estimate - base), estimate)
        if told.gate is None:
            return estimate
        return gated(estimate, told.gate.to(latents.dtype), conditioning.background_latents)

    return imagine


def _rescaled(estimate: Tensor, told: Tensor) -> Tensor:
    """A guided estimate of x0 most of the way back to the colours of the conditional branch's.

    Guidance leads away from a picture of nobody, beyond what was asked for: the same person in colours darker
    and stronger. So each channel's mean and deviation are led back (after Lin et al. 2024, Eqs. 15 and 16,
    who lead back one deviation of all channels).
    """
    variance, mean = torch.var_mean(estimate, (2, 3, 4), correction=0, keepdim=True)
    told_variance, told_mean = torch.var_mean(told, (2, 3, 4), correction=0, keepdim=True)
    # A channel of one value has no deviation to lead back; without the floor it would be divided by zero.
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
