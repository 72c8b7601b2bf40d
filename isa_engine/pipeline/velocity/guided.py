"""The velocity of classifier-free guidance: from what the picture is with nobody, on past what it is with the
cast.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from isa_engine.dit import Conditioning
from isa_engine.dit.background_gate import Prediction, gated

# ``network(latents, timestep, conditioning)``; latents and timestep as of ``ISADiT.forward``.
Network = Callable[[Tensor, Tensor, Conditioning], Prediction]


class Nobody(Protocol):
    """What the velocity would be with nobody in the picture."""

    def __call__(self, latents: Tensor, timestep: Tensor, told: Tensor, step: int) -> Tensor:
        """
        Args:
            told: the velocity with the cast, ``(B, C, t, h, w)``.
            step: of denoising, from 0.
        """
        ...


@dataclass(frozen=True)
class AskedOfNobody:
    """Asks the network.

    Attributes:
        conditioning: of nobody (``Conditioning.nobody``).
    """

    network: Network
    conditioning: Conditioning

    def __call__(self, latents: Tensor, timestep: Tensor, told: Tensor, step: int) -> Tensor:
        return self.network(latents, timestep, self.conditioning).velocity.to(latents.dtype)


@dataclass(frozen=True)
class Guided:
    """``v = (x0 − x_t) / t`` towards an estimate of x0 along ``v_nobody + guidance · (v_told − v_nobody)``,
    then gated by what the conditional branch knows of the cast.

    Attributes:
        nobody: None asks the conditional branch alone, as a scale of 1 does.
        guidance: scale.
    """

    network: Network
    conditioning: Conditioning
    nobody: Nobody | None
    guidance: float

    # One branch after the other: half the memory of a doubled batch, as fast once a video fills the device.
    def __call__(self, latents: Tensor, time: Tensor, step: int) -> Tensor:
        """A ``pipeline.sampling.Velocity``."""
        timestep = time.expand(len(latents))
        prediction = self.network(latents, timestep, self.conditioning)
        told = prediction.velocity.to(latents.dtype)
        estimate = latents + time * told
        if self.nobody is not None:
            base = latents + time * self.nobody(latents, timestep, told, step)
            estimate = base + self.guidance * (estimate - base)
        if prediction.gate is not None:
            gate = prediction.gate.to(latents.dtype)
            estimate = gated(estimate, gate, self.conditioning.reprojected_latents)
        # In the one layout that checkpoints have: sums over what was loaded are then those of what never
        # stopped.
        return ((estimate - latents) / time).contiguous()
