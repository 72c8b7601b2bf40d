"""Reuse of what guidance adds (the CFG-Cache of FasterCache, Lv et al. 2024), without its spectra."""

from torch import Tensor

from isa_engine.pipeline.velocity.guided import Nobody
from isa_engine.pipeline.velocity.memory import Memory, due

_DIFFERENCE = "guidance.difference"


class GuidanceReuse:
    """Keeps ``v_told − v_nobody`` for so many evaluations, and evaluates the branch with nobody only then.

    Exact where the difference does not change.
    """

    def __init__(self, nobody: Nobody, every: int, memory: Memory):
        self.nobody, self.every, self.memory = nobody, every, memory

    def __call__(self, latents: Tensor, timestep: Tensor, told: Tensor, step: int) -> Tensor:
        if not due(self.memory, "guidance.age", self.every):
            return told - self.memory[_DIFFERENCE]
        nobody = self.nobody(latents, timestep, told, step)
        self.memory[_DIFFERENCE] = told - nobody
        return nobody
