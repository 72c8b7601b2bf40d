"""How close latents are to a Gaussian (Fig. 5): the closer, the less diffusion has to change noise."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Gaussianity:
    """Statistics of normalised latents, each the mean over channels.

    Attributes:
        offset: |mean|; 0 for a standard Gaussian.
        deviation: standard deviation; 1 for a standard Gaussian.
        skewness: |skewness|; 0 for any Gaussian.
        excess_kurtosis: 0 for any Gaussian.
        kolmogorov_smirnov: the largest gap between the cumulative distribution and that of the Gaussian with
            the same mean and deviation, from 0 to 1.
        correlation: |correlation| of two different channels; 0 for independent ones.
    """

    offset: float
    deviation: float
    skewness: float
    excess_kurtosis: float
    kolmogorov_smirnov: float
    correlation: float


def gaussianity(latents: Tensor) -> Gaussianity:
    """The statistics of latents.

    Args:
        latents: ``(C, n)``, n samples of each channel.
    """
    latents = latents.double()
    mean, deviation = latents.mean(1, keepdim=True), latents.std(1, correction=0, keepdim=True)
    standard = (latents - mean) / deviation.clamp_min(1e-12)
    channels, samples = latents.shape

    cumulative = torch.special.ndtr(standard.sort(1).values)
    steps = torch.arange(samples + 1, device=latents.device) / samples
    gap = torch.maximum((cumulative - steps[:-1]).abs(), (cumulative - steps[1:]).abs()).amax(1)
    correlation = (standard @ standard.T / samples).abs()
    others = ~torch.eye(channels, dtype=torch.bool, device=latents.device)
    return Gaussianity(
        offset=mean.abs().mean().item(),
        deviation=deviation.mean().item(),
        skewness=standard.pow(3).mean(1).abs().mean().item(),
        excess_kurtosis=(standard.pow(4).mean(1) - 3).mean().item(),
        kolmogorov_smirnov=gap.mean().item(),
        correlation=correlation[others].mean().item() if channels > 1 else 0.0,
    )
