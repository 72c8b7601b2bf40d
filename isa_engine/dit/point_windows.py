"""Points of frames, joined by the latents that these frames are behind (Eq. 9)."""

import torch

from isa_engine.geometry.frames import TEMPORAL_COMPRESSION


def to_windows(x: torch.Tensor) -> torch.Tensor:
    """Join the points of the frames behind each latent (Eq. 9): ``(B, F, P, ...)`` to ``(B, t, 4P, ...)``.

    Where a video begins its first latent has one frame, which stands for four; a part of it from the middle
    has four frames a latent.

    The frames are those of ``geometry.frames.windows``, joined without that index: a copy is faster than a
    gather, in the gradient too.
    """
    first = x[:, :1].expand(-1, -x.shape[1] % TEMPORAL_COMPRESSION, *x.shape[2:])
    return torch.cat([first, x], 1).unflatten(1, (-1, TEMPORAL_COMPRESSION)).flatten(2, 3)


def from_windows(x: torch.Tensor, frames: int) -> torch.Tensor:
    """The inverse, ``(B, t, 4P, ...)`` to ``(B, F, P, ...)``. A video's first window held its one frame four
    times; the last of the four is kept."""
    return x.unflatten(2, (TEMPORAL_COMPRESSION, -1)).flatten(1, 2)[:, -frames:]
