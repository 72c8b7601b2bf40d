"""How far a picture departs from the background that it was given, latent pixel by latent pixel.

Where nobody is, a network repaints the background that it was given, and adds errors of its own: grain on
plain grounds. A gate g in [0, 1], read from the network's last tokens, pulls its estimate of x0 back to the
given background: ``x0 ← background + g · (x0 − background)``.
"""

from typing import NamedTuple

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from isa_engine.dit.patches import unfolded


class Prediction(NamedTuple):
    """A network's answer to noisy latents.

    Attributes:
        velocity: ``x0 − ε``, ``(B, C, t, h, w)``.
        gate: ``(B, 1, t, h, w)`` in [0, 1]; None for a model without one.
    """

    velocity: Tensor
    gate: Tensor | None = None


class BackgroundGate(ModelMixin, ConfigMixin):
    """The sigmoid of a linear map of a token and the time: a number for each latent pixel of the token.

    Args:
        width: d, features of ISA-DiT's last tokens.
        patch: latent pixels to a token's side.
    """

    @register_to_config
    def __init__(self, *, width: int, patch: int):
        super().__init__()
        self.linear = nn.Linear(width + 1, patch**2)
        # sigmoid(2) = 0.88 everywhere at first, nearly open: a closed gate would erase people before it has
        # learned where they stand.
        nn.init.zeros_(self.linear.weight)
        nn.init.constant_(self.linear.bias, 2.0)

    def forward(self, tokens: Tensor, timestep: Tensor) -> Tensor:
        """How far each latent pixel departs from its background.

        Args:
            tokens: ``(B, t, h / patch, w / patch, d)``, of ``ISADiT.predict``.
            timestep: ``(B,)`` in [0, 1].

        Returns:
            the gate, ``(B, 1, t, h, w)``.
        """
        time = timestep.to(tokens).view(-1, 1, 1, 1, 1).expand(*tokens.shape[:-1], 1)
        places = self.linear(torch.cat([tokens, time], -1)).sigmoid()
        return unfolded(places, self.config.patch)


def gated(estimate: Tensor, gate: Tensor, background: Tensor) -> Tensor:
    """An estimate of x0 pulled back to the background by a gate. A video whose background is all zeros was
    given none, and keeps its estimate.

    Args:
        estimate, background: ``(B, C, t, h, w)``.
        gate: ``(B, 1, t, h, w)``.
    """
    given = background.flatten(1).any(1).view(-1, 1, 1, 1, 1)
    return torch.where(given, background + gate * (estimate - background), estimate)
