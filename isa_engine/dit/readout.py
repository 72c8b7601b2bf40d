"""What the last tokens are read out as (``DiTConfig.readout``); either way ISA-DiT gives a velocity.

"velocity" is the paper's: the tokens are it. With "background" they are what the picture has that its
background lacks, ``x0 = background + tokens``: where nobody is there is nothing to paint, and no grain. The
target has the picture's own scale at every noise level, where a velocity lifts narrow channels to the
noise's.
"""

from torch import Tensor

READOUTS = ("velocity", "background")
# Below this time an error of x0 would count more than 400 times in the velocity's square, and sampling takes
# no more than the last fraction of a step there.
_SHORTEST = 0.05


def velocity_towards(estimate: Tensor, latents: Tensor, timestep: Tensor) -> Tensor:
    """``v = (x0 − x_t) / t``, the velocity ``x0 − ε`` of an estimate of x0, ``(B, C, t, h, w)``.

    Args:
        latents: x_t.
        timestep: ``(B,)`` in [0, 1].
    """
    return (estimate - latents) / timestep.clamp_min(_SHORTEST).view(-1, 1, 1, 1, 1)
