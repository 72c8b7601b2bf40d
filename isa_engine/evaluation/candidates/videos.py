"""The videos that are measured: a model's own, and the baselines and the ceiling to compare them with."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from isa_engine.configuration import ModelConfig
from isa_engine.configuration.policies import EVERYTHING, Policy
from isa_engine.data.samples.encoding import condition_clip, encode
from isa_engine.dit import Conditioning
from isa_engine.evaluation.held_out.clips import HeldOutClip
from isa_engine.pipeline.isa.model import Model, build_model
from isa_engine.pipeline.sampling import initial_noise, sample
from isa_engine.pipeline.velocity import velocity_of

MODEL, REPEATED, UNTRAINED, CEILING = "model", "repeated reference", "untrained", "ceiling"


@dataclass(frozen=True)
class Video:
    """A video to measure, and its latents.

    Attributes:
        video: ``(3, F, H, W)`` in [−1, 1].
        latents: ``(1, C, t, h, w)``, not normalised.
    """

    video: Tensor
    latents: Tensor


@dataclass(frozen=True)
class Sampling:
    """How a candidate's videos are denoised.

    Attributes:
        steps: of denoising.
        guidance: its scale; 2 in the paper (6.2).
        policy: which steps ask the network, and for what.
    """

    steps: int
    guidance: float
    policy: Policy = EVERYTHING


def untrained(config: ModelConfig, folder: Path | None, device: str) -> Model:
    """A baseline: trained autoencoder and image tower, but untrained transformer and matte head."""
    return build_model(config, folder, device, read=("vae", "image_tower"))


def generated(model: Model, held_out: HeldOutClip, sampling: Sampling, background: bool = True) -> Video:
    """The video that a model generates under a clip's conditions.

    Args:
        background: whether the clip's background is among them.
    """
    conditioning = condition_clip(held_out.clip, model)
    if not background:
        conditioning = conditioning.without_background()
    return decoded(model, denoised(model, conditioning, held_out.seed, sampling))


@torch.inference_mode()
def denoised(model: Model, conditioning: Conditioning, seed: int, sampling: Sampling) -> torch.Tensor:
    """Normalised latents ``(1, C, t, h, w)`` from the noise of a seed."""
    shape, steps = tuple(conditioning.background_latents.shape), sampling.steps
    noise = initial_noise(shape, seed, model.config.temperature).to(model.device)
    velocity = velocity_of(model.predict, conditioning, sampling.guidance, steps, sampling.policy)
    return sample(velocity, noise, steps, model.config.shift)


@torch.inference_mode()
def through_autoencoder(model: Model, video: Tensor) -> Video:
    """A video ``(3, F, H, W)``, encoded and decoded: the ceiling, better than which no latents can look."""
    return decoded(model, encode(model, video[None].to(model.device)))


@torch.inference_mode()
def decoded(model: Model, latents: torch.Tensor) -> Video:
    """The video of normalised latents."""
    latents = model.vae.denormalise(latents)
    return Video(model.vae.decode(latents)[0].clamp(-1, 1), latents)
