"""Reuse of the points' branch: a slow branch kept from step to step while the other runs, as DeepCache (Ma et
al. 2023) keeps a U-Net's deep features.

Points hardly depend on the noise: what they are and where they stand is given.
"""

from collections.abc import Callable

from torch import Tensor

from isa_engine.dit import Conditioning
from isa_engine.dit.background_gate import Prediction
from isa_engine.pipeline.velocity.memory import Memory, due

# ``network(latents, timestep, conditioning, points)``; points as of ``ISADiT.predict``.
PointNetwork = Callable[[Tensor, Tensor, Conditioning, list[Tensor]], Prediction]
_LATENTS, _TIME = "points.latents", "points.time"


class PointsReuse:
    """A network that moves the points once in so many evaluations, and between reads them as they were.

    Exact where the points would not change. Their tokens are too large for a checkpoint, so its memory has
    the latents and the time at which they were moved: a denoising that goes on from it moves them there anew.
    """

    def __init__(self, network: PointNetwork, every: int, memory: Memory):
        self.network, self.every, self.memory = network, every, memory
        self._points: list[Tensor] = []

    def __call__(self, latents: Tensor, timestep: Tensor, conditioning: Conditioning) -> Prediction:
        if due(self.memory, "points.age", self.every):
            self.memory[_LATENTS], self.memory[_TIME] = latents, timestep
            self._points = []
        elif not self._points:
            self.network(self.memory[_LATENTS], self.memory[_TIME], conditioning, self._points)
        return self.network(latents, timestep, conditioning, self._points)
