"""What the last tokens are read out as (``DiTConfig.readout``); either way ISA-DiT gives a velocity.

"velocity" is the paper's: the tokens are the velocity itself. "background": the tokens are the difference
from the background, ``x0 = background + tokens``, so that where nobody is they have only to be zero, and no
grain is painted. At every noise level this target has the picture's own scale; in a velocity, channels of
little variance are drowned by the noise.
"""

from torch import Tensor

READOUTS = ("velocity", "background")
# Shorter times count as this one: dividing by t would weigh the square of an error of x0 more than 400 times,
# and sampling spends no more than a fraction of its last step there.
_SHORTEST = 0.05


def velocity_towards(estimate: Tensor, latents: Tensor, timestep: Tensor) -> Tensor:
    """``v = (x0 − x_t) / t``, the velocity ``x0 − ε`` of an estimate of x0, ``(B, C, t, h, w)``.

    Args:
        latents: x_t.
        timestep: ``(B,)`` in [0, 1].
    """
    return (estimate - latents) / timestep.clamp_min(_SHORTEST).view(-1, 1, 1, 1, 1)
