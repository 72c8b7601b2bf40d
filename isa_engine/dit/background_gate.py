"""How far a picture departs from what was known of it before, latent pixel by latent pixel.

Where nobody is, a network repaints the background that it was given, and adds errors of its own: grain on
plain grounds. Where somebody is, the reference pictures show what their surfaces look like
(``Conditioning.reprojected_latents``), more sharply than a small network paints them, and the network knows
what they do not: light, hair, cloth. A gate g in [0, 1], read from the network's last tokens, pulls its
estimate of x0 back to what is known: ``x0 ← known + g · (x0 − known)``.
"""

from typing import NamedTuple

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from einops import rearrange
from torch import Tensor, nn

from isa_engine.dit.conditioning import Conditioning
from isa_engine.dit.patches import unfolded

# Distance of latents, root of the mean square over channels, of a somebody that is half seen. What is in none
# of a latent's frames differs by nothing.
_SOMEBODY = 0.1


class Prediction(NamedTuple):
    """A network's answer to noisy latents.

    Attributes:
        velocity: ``x0 − ε``, ``(B, C, t, h, w)``.
        gate: ``(B, 1, t, h, w)`` in [0, 1]; None for a model without one.
    """

    velocity: Tensor
    gate: Tensor | None = None


class BackgroundGate(ModelMixin, ConfigMixin):
    """The sigmoid of a linear map of a token, the time, and whether somebody is reprojected there: a number
    for each latent pixel of the token.

    Args:
        width: d, features of ISA-DiT's last tokens.
        patch: latent pixels to a token's side.
    """

    @register_to_config
    def __init__(self, *, width: int, patch: int):
        super().__init__()
        self.linear = nn.Linear(width + 1 + patch**2, patch**2)
        # sigmoid(2) = 0.88 everywhere at first, nearly open: a closed gate would erase people before it has
        # learned where they stand.
        nn.init.zeros_(self.linear.weight)
        nn.init.constant_(self.linear.bias, 2.0)

    def forward(self, tokens: Tensor, timestep: Tensor, known: Tensor) -> Tensor:
        """How far each latent pixel departs from what is known of it.

        Args:
            tokens: ``(B, t, h / patch, w / patch, d)``, of ``ISADiT.predict``.
            timestep: ``(B,)`` in [0, 1].
            known: ``(B, 1, t, h, w)`` in [0, 1], where somebody is reprojected (``somebody``).

        Returns:
            the gate, ``(B, 1, t, h, w)``.
        """
        time = timestep.to(tokens).view(-1, 1, 1, 1, 1).expand(*tokens.shape[:-1], 1)
        side = self.config.patch
        there = rearrange(known.to(tokens), "B 1 t (r p) (c q) -> B t r c (p q)", p=side, q=side)
        read = torch.cat([tokens, time, there], -1)
        # One latent after the other, for the same bits among however many others: workers share a take.
        places = [self.linear(latent).sigmoid() for latent in read.split(1, 1)]
        return unfolded(torch.cat(places, 1), side)


def somebody(conditioning: Conditioning) -> Tensor:
    """Where somebody is reprojected before the background, ``(B, 1, t, h, w)``: from 0, nobody, to 1."""
    departs = conditioning.reprojected_latents - conditioning.background_latents
    return 1 - torch.exp(-departs.square().mean(1, keepdim=True) / _SOMEBODY**2)


def gated(estimate: Tensor, gate: Tensor, known: Tensor) -> Tensor:
    """An estimate of x0 pulled back to what is known by a gate. Where all of that is zeros, no background was
    given, and the estimate stays.

    Args:
        estimate, known: ``(B, C, t, h, w)``.
        gate: ``(B, 1, t, h, w)``.
    """
    given = known.flatten(1).any(1).view(-1, 1, 1, 1, 1)
    return torch.where(given, known + gate * (estimate - known), estimate)
