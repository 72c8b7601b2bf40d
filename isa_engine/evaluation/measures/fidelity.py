"""How close videos come to the truth: PSNR, SSIM, LPIPS and FVD, as in the paper's tables.

LPIPS and FVD compare features of networks; without the weights of these networks they are not measured.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure
from torchmetrics.image.fid import FrechetInceptionDistance

from isa_engine.evaluation.measures.i3d import FEWEST_FRAMES, I3D
from isa_engine.evaluation.reporting.table import Cell, not_measured
from isa_engine.training.vae.perceptual import LPIPS

COLUMNS = ("PSNR ↑", "SSIM ↑", "LPIPS ↓", "FVD ↓")
NOTE = "FVD is one number of all clips, biased where they are few. LPIPS is over VGG-16."
# Colours go from −1 to 1.
_RANGE = 2.0


def psnr(video: Tensor, truth: Tensor, where: Tensor | None = None) -> float | None:
    """Peak signal-to-noise ratio, dB.

    Args:
        video, truth: ``(3, F, H, W)``.
        where: ``(F, H, W)`` bool, the pixels that count; all if None.

    Returns:
        None where no pixel counts.
    """
    if where is not None:
        if not where.any():
            return None
        video, truth = video[:, where], truth[:, where]
    return peak_signal_noise_ratio(video, truth, data_range=_RANGE).item()


def ssim(video: Tensor, truth: Tensor) -> float:
    """Structural similarity, the mean over frames; arguments as of ``psnr``."""
    frames = video.movedim(1, 0), truth.movedim(1, 0)
    return structural_similarity_index_measure(*frames, data_range=_RANGE).item()


@dataclass(frozen=True)
class Networks:
    """The networks of the perceptual measures; None where no weights were given.

    Attributes:
        lpips: LPIPS over VGG-16.
        i3d: the features of FVD.
    """

    lpips: LPIPS | None = None
    i3d: I3D | None = None

    @classmethod
    def load(cls, lpips: Path | None, i3d: Path | None, device: torch.device) -> "Networks":
        """Load the networks whose files are given.

        Raises:
            ModelError: a file is missing or does not fit.
        """
        return cls(
            LPIPS.load(lpips).to(device) if lpips else None,
            I3D.load(i3d).to(device) if i3d else None,
        )


class Fidelity:
    """The measures that ``COLUMNS`` name, gathered over the clips of one row of a table."""

    def __init__(self, networks: Networks):
        self.networks = networks
        self._psnr: list[float] = []
        self._ssim: list[float] = []
        self._lpips: list[float] = []
        self._shortest = 10**9
        # torchmetrics' Fréchet inception distance takes any network's features; with I3D's it is FVD.
        self._fvd = FrechetInceptionDistance(networks.i3d, normalize=True) if networks.i3d else None

    @torch.no_grad()
    def add(self, video: Tensor, truth: Tensor) -> None:
        """One clip: videos ``(3, F, H, W)`` in [−1, 1]."""
        self._psnr.append(psnr(video, truth))
        self._ssim.append(ssim(video, truth))
        self._shortest = min(self._shortest, video.shape[1])
        if self.networks.lpips:
            self._lpips.append(self.networks.lpips(video.movedim(1, 0), truth.movedim(1, 0)).item())
        if self._fvd and self._shortest >= FEWEST_FRAMES:
            self._fvd.to(video.device)
            self._fvd.update(truth[None], real=True)
            self._fvd.update(video[None], real=False)

    def cells(self) -> tuple[Cell, ...]:
        """The row, in the order of ``COLUMNS``."""
        lpips = tuple(self._lpips) if self.networks.lpips else not_measured("without --lpips")
        return tuple(self._psnr), tuple(self._ssim), lpips, self._fvd_cell()

    def _fvd_cell(self) -> Cell:
        if self._fvd is None:
            return not_measured("without --i3d")
        if self._shortest < FEWEST_FRAMES:
            return not_measured(f"I3D needs {FEWEST_FRAMES} frames")
        if len(self._psnr) < 2:
            return not_measured("one clip has no spread")
        return max(0.0, self._fvd.compute().item())
