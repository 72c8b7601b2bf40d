"""PE(·): the sinusoidal encodings, and the interspatial one (ISPE, Eqs. 10 to 12).

A point and the latent pixel that shows it have equal x and y in NDC (``geometry.ndc``), hence equal
encodings of them: that is how a video token finds its points.
"""

import math

import torch
from diffusers.models.embeddings import get_2d_sincos_pos_embed_from_grid
from torch import nn

from isa_engine.geometry.frames import TEMPORAL_COMPRESSION
from isa_engine.geometry.ndc import pixel_centres

# NDC is clamped to ±2 before it is encoded, so that points far outside the picture count as lying there. The
# clamped range, 4, is half of the longest period, 8: no two places in it have the same encoding.
NDC_LIMIT = 2.0
# The periods that tell best what is near, from 4 to 0.4 in NDC. Both are given as fractions of the way from
# ISPE's longest period, 8, to its shortest, 1/16, on a logarithmic scale: 8 / 128^(1/7) = 4.
_NEAR = 1 / 7, 0.62


def sinusoidal(coordinates: torch.Tensor, width: int, longest: float, shortest: float) -> torch.Tensor:
    """PE(·): sines and cosines of periods spaced geometrically from the longest to the shortest.

    Args:
        coordinates: ``(..., D)``.
        width: features; each coordinate gets ``width // 2D`` periods, and features left over are zero.
        longest, shortest: periods in the coordinates' unit.

    Returns:
        ``(..., width)`` float32.
    """
    count = width // (2 * coordinates.shape[-1])
    steps = torch.linspace(0, 1, count, device=coordinates.device)
    frequencies = 2 * math.pi / longest * (longest / shortest) ** steps
    phases = coordinates.float()[..., None] * frequencies
    encoding = torch.cat([phases.sin(), phases.cos()], -1).flatten(-2)
    return nn.functional.pad(encoding, (0, width - encoding.shape[-1]))


def ispe(ndc: torch.Tensor, width: int) -> torch.Tensor:
    """PE of NDC (Eqs. 12 to 14), for points and latent pixels alike: ``(..., 3)`` to ``(..., width)``.

    The shortest period is two tokens of a picture 64 tokens wide.
    """
    return sinusoidal(ndc.clamp(-NDC_LIMIT, NDC_LIMIT), width, longest=4 * NDC_LIMIT, shortest=1 / 16)


def place_features(width: int, count: int) -> torch.Tensor:
    """Which features of ``ispe`` tell best what is near: sines and cosines of x and y of a few periods, from
    twice the picture's side to about a fifth of it.

    Args:
        width: of the encoding.
        count: of features, at most.

    Returns:
        ``(n,)`` indices, n ≤ count.
    """
    periods = width // 6
    steps = torch.linspace(*_NEAR, count // 4) * (periods - 1)
    # Of each coordinate the sines of all periods come first, then the cosines.
    starts = [(2 * axis + part) * periods for axis in (0, 1) for part in (0, 1)]
    return torch.cat([start + steps.round().long() for start in starts])


def pixel_encoding(height: int, width: int, features: int, device: torch.device) -> torch.Tensor:
    """PE(s_ndc) of Eq. 12 for a grid of tokens: ``(height · width, features)``."""
    return ispe(token_centres(height, width, device), features)


def token_centres(height: int, width: int, device: torch.device) -> torch.Tensor:
    """s_ndc of Eq. 11 for a grid of tokens, on the device: ``(height · width, 3)``."""
    # Made on the device: a copy from the CPU would wait for all that a GPU has still to do.
    columns, rows = (torch.arange(n, device=device, dtype=torch.float32) for n in (width, height))
    x, y = pixel_centres(columns, rows, (width, height))
    y, x = torch.meshgrid(y, x, indexing="ij")
    return torch.stack([x, y, torch.zeros_like(x)], -1).flatten(0, 1)


def grid_encoding(
    rows: int, columns: int, width: int, table: int, base: int, device: torch.device
) -> torch.Tensor:
    """SD3's own positions, for a model that starts from its weights: ``(rows · columns, width)``.

    They count tokens from the picture's centre, which lies in the middle of a square ``table``, in units of
    the ``base`` size at which the image model was first trained.
    """
    vertical, horizontal = (
        (torch.arange(n, device=device) + (table - n) // 2) * (base / table) for n in (rows, columns)
    )
    # SD3 puts the horizontal position first.
    grid = torch.stack(torch.meshgrid(horizontal, vertical, indexing="xy"))[:, None]
    return get_2d_sincos_pos_embed_from_grid(width, grid, output_type="pt").float()


def world_encoding(points: torch.Tensor, width: int) -> torch.Tensor:
    """PE(G) of Eq. 8: canonical coordinates in metres, ``(..., 3)`` to ``(..., width)``."""
    return sinusoidal(points, width, longest=32.0, shortest=0.0625)


def clock(times: torch.Tensor, width: int) -> torch.Tensor:
    """PE of time, counted in frames: ``(n,)`` to ``(n, width)``."""
    return sinusoidal(times[:, None], width, longest=1024.0, shortest=4.0)


def frame_clock(frames: int, width: int, device: torch.device) -> torch.Tensor:
    """``(frames, width)``: the times of a video's frames, for its points."""
    return clock(torch.arange(frames, device=device), width)


def window_clocks(latents: int, width: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Of a window of latents, ``(latents, width)``, and of the frames behind them, ``(4 · latents, width)``:
    as of a video that begins with it, whose first latent would have four frames."""
    frames = torch.arange(1 - TEMPORAL_COMPRESSION, TEMPORAL_COMPRESSION * (latents - 1) + 1, device=device)
    return latent_clock(latents, width, device), clock(frames, width)


def latent_clock(latents: int, width: int, device: torch.device) -> torch.Tensor:
    """``(latents, width)``: a latent's time is that of the last frame of its window."""
    return clock(TEMPORAL_COMPRESSION * torch.arange(latents, device=device), width)
