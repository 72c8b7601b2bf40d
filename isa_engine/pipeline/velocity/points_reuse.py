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


class PointsReuse:
    """A network that evaluates its points' branch once in so many times, and else reads what that gave last.

    Exact where that does not change.
    """

    def __init__(self, network: PointNetwork, every: int, memory: Memory):
        self.network, self.every, self.memory = network, every, memory

    def __call__(self, latents: Tensor, timestep: Tensor, conditioning: Conditioning) -> Prediction:
        fresh = due(self.memory, "points.age", self.every)
        names = [] if fresh else [name for name in self.memory if name.startswith("points.layer.")]
        points = [self.memory[name] for name in sorted(names)]
        prediction = self.network(latents, timestep, conditioning, points)
        if fresh:
            self.memory.update({f"points.layer.{k:04}": kept for k, kept in enumerate(points)})
        return prediction
