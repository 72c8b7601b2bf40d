"""The encoder's answer: a Gaussian for each latent."""

from dataclasses import dataclass

import torch
from diffusers.utils.torch_utils import randn_tensor


@dataclass(frozen=True)
class Posterior:
    """A diagonal Gaussian over latents.

    Attributes:
        mean, logvar: ``(B, C, t, h, w)``.
    """

    mean: torch.Tensor
    logvar: torch.Tensor

    def sample(self, generator: torch.Generator | None = None) -> torch.Tensor:
        """Latents drawn at random, ``(B, C, t, h, w)``."""
        noise = randn_tensor(self.mean.shape, generator, self.mean.device, self.mean.dtype)
        return self.mean + (self.logvar / 2).exp() * noise

    def mode(self) -> torch.Tensor:
        """The likeliest latents, ``(B, C, t, h, w)``."""
        return self.mean
