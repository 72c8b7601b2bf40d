"""What policies remember from step to step: part of a checkpoint, so that a resumed denoising ends in the
same bytes.
"""

import torch
from torch import Tensor

# Tensors by names, which begin with the policy's. A policy that begins finds none of its own.
Memory = dict[str, Tensor]


def due(memory: Memory, name: str, every: int) -> bool:
    """Whether this evaluation is the first of every so many; counts it."""
    age = int(memory.get(name, 0))
    memory[name] = torch.tensor((age + 1) % every)
    return age == 0
