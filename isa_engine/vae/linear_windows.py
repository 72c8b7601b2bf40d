"""A linear autoencoder of whole windows: what a small model's networks start from.

A window's 4 · f_s² pixels go to one latent pixel by one matrix and back by another, as in DC-AE's
space-to-channel shortcuts but over the whole depth and learned. The matrices start from the cosine transform,
whose lowest frequencies are close to the principal components of natural video.
"""

import itertools

import numpy as np
import torch
from einops import rearrange
from torch import nn

from isa_engine.geometry.frames import TEMPORAL_COMPRESSION

# Rows: grey, blue against yellow, red against green; orthonormal.
_COLOURS = np.array([[1, 1, 1], [-1, -1, 2], [1, -1, 0]]) / np.sqrt([[3], [6], [2]])
# A rough model of natural video: the variance of each colour above, and how fast it falls with frequency,
# variance / (1 + 10 · f²), f in half cycles a window.
_COLOUR_VARIANCE = (1.0, 0.15, 0.15)
_FALL = 10.0


class LinearEncoder(nn.Linear):
    """Windows of pixels to latents."""

    def __init__(self, latent_channels: int, spatial_compression: int):
        super().__init__(3 * TEMPORAL_COMPRESSION * spatial_compression**2, latent_channels)
        self.spatial_compression = spatial_compression
        basis, scale = cosine_basis(latent_channels, spatial_compression)
        with torch.no_grad():
            self.weight.copy_(torch.from_numpy(basis / scale[:, None]))
            self.bias.zero_()

    def forward(self, video: torch.Tensor, begins: bool) -> torch.Tensor:
        """``(B, 3, F, H, W)`` to ``(B, C, t, h, w)``; a video's first frame fills a window by itself.

        Args:
            begins: whether the first frame is the video's.
        """
        windows = to_windows(video, self.spatial_compression, begins)
        return rearrange(super().forward(windows), "B t h w C -> B C t h w")


class LinearDecoder(nn.Linear):
    """Latents to windows of pixels."""

    def __init__(self, latent_channels: int, spatial_compression: int):
        super().__init__(latent_channels, 3 * TEMPORAL_COMPRESSION * spatial_compression**2)
        self.spatial_compression = spatial_compression
        basis, scale = cosine_basis(latent_channels, spatial_compression)
        with torch.no_grad():
            self.weight.copy_(torch.from_numpy((basis * scale[:, None]).T))
            self.bias.zero_()

    def forward(self, latents: torch.Tensor, begins: bool) -> torch.Tensor:
        """``(B, C, t, h, w)`` to ``(B, 3, F, H, W)``.

        Args:
            begins: whether the first latent is the video's.
        """
        windows = super().forward(rearrange(latents, "B C t h w -> B t h w C"))
        return from_windows(windows, self.spatial_compression, begins)


def to_windows(video: torch.Tensor, side: int, begins: bool) -> torch.Tensor:
    """``(B, C, F, H, W)`` to each latent pixel's own pixels, ``(B, t, h, w, C · 4 · side²)``."""
    if begins:
        still = video[:, :, :1].expand(-1, -1, TEMPORAL_COMPRESSION - 1, -1, -1)
        video = torch.cat([still, video], 2)
    return rearrange(
        video, "B C (t k) (h p) (w q) -> B t h w (C k p q)", k=TEMPORAL_COMPRESSION, p=side, q=side
    )


def from_windows(windows: torch.Tensor, side: int, begins: bool) -> torch.Tensor:
    """The inverse of ``to_windows``; of a video's first window only the last frame is kept."""
    video = rearrange(
        windows, "B t h w (C k p q) -> B C (t k) (h p) (w q)", k=TEMPORAL_COMPRESSION, p=side, q=side
    )
    return video[:, :, TEMPORAL_COMPRESSION - 1 :] if begins else video


def cosine_basis(latent_channels: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """The components of a window that vary most, by a rough model of natural video.

    Returns:
        basis: ``(latent_channels, 3 · 4 · side²)``, orthonormal rows, each a window in the order
            colour, frame, row, column.
        scale: ``(latent_channels,)``, the standard deviation of each component, if that of pixels in [−1, 1]
            is one half.
    """
    frequencies = itertools.product(range(3), range(TEMPORAL_COMPRESSION), range(side), range(side))
    variances = {
        (colour, *turns): _COLOUR_VARIANCE[colour] / (1 + _FALL * sum(turn**2 for turn in turns))
        for colour, *turns in frequencies
    }
    chosen = sorted(variances, key=lambda component: -variances[component])[:latent_channels]
    time, space = _cosines(TEMPORAL_COMPRESSION), _cosines(side)
    basis = [
        np.einsum("c,t,h,w->cthw", _COLOURS[colour], time[k], space[row], space[column]).ravel()
        for colour, k, row, column in chosen
    ]
    share = np.array([variances[component] for component in chosen])
    # The first component is a window's mean grey. Its deviation is that of windows whose pixels are all grey
    # and equal.
    return np.stack(basis), 0.5 * np.sqrt(share * len(basis[0]))


def _cosines(length: int) -> np.ndarray:
    """The orthonormal cosine transform (type II): ``(frequency, place)``."""
    angles = np.pi / length * np.outer(np.arange(length), np.arange(length) + 0.5)
    cosines = np.cos(angles) * np.sqrt(2 / length)
    cosines[0] /= np.sqrt(2)
    return cosines
