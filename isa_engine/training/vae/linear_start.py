"""Where a small autoencoder starts: the best linear one, in closed form.

The principal components of whole windows (paper's f_t · f_s² pixels) make its linear maps the optimal linear
autoencoder before the first gradient step; the networks then learn only what it misses.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

from isa_engine.vae import VideoVAE
from isa_engine.vae.linear_windows import to_windows


@torch.no_grad()
def fit_linear_maps(vae: VideoVAE, videos: Iterable[Tensor]) -> None:
    """Set the matrices of a model of windows from videos ``(B, 3, F, H, W)``.

    Latents come out with zero mean and unit deviation over these windows.
    """
    moments = _Moments()
    for video in videos:
        moments.add(to_windows(video, vae.spatial_compression, begins=True).flatten(0, -2))
    variances, components = torch.linalg.eigh(moments.covariance())
    channels = vae.config.latent_channels
    # Eigenvalues ascend: the last components vary most.
    deviation = variances[-channels:].flip(0).clamp_min(1e-12).sqrt()
    components = components[:, -channels:].flip(1)
    encoder, decoder = vae.encoder.linear, vae.decoder.linear
    encoder.weight.copy_((components / deviation).T)
    encoder.bias.copy_(-(moments.mean() @ components) / deviation)
    decoder.weight.copy_(components * deviation)
    decoder.bias.copy_(moments.mean())


class _Moments:
    """Mean ``(n,)`` and covariance ``(n, n)`` of rows ``(…, n)``, in double precision."""

    def __init__(self):
        self.count, self.sum, self.products = 0, 0.0, 0.0

    def add(self, rows: Tensor) -> None:
        rows = rows.double()
        self.count += len(rows)
        self.sum = self.sum + rows.sum(0)
        self.products = self.products + rows.T @ rows

    def mean(self) -> Tensor:
        return self.sum / self.count

    def covariance(self) -> Tensor:
        return self.products / self.count - torch.outer(self.mean(), self.mean())
