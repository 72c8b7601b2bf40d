"""Plots as PNG."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

# A curve: the steps ``(n,)``, and the values of every seed at each, ``(seeds, n)``.
Curve = tuple[np.ndarray, np.ndarray]
_WIDEST = 4.0


def plot_latents(path: Path, latents: Tensor) -> None:
    """The distribution of each channel of latents ``(C, n)``, scaled to mean 0 and deviation 1, beside a
    Gaussian (Fig. 5)."""
    latents = (latents - latents.mean(1, keepdim=True)) / latents.std(1, keepdim=True).clamp_min(1e-12)
    figure = Figure((6, 4), layout="constrained")
    axes = figure.subplots()
    edges = np.linspace(-_WIDEST, _WIDEST, 81)
    middles = (edges[1:] + edges[:-1]) / 2
    for channel in latents.cpu().numpy():
        axes.plot(middles, np.histogram(channel, edges, density=True)[0], color="tab:blue", alpha=0.35)
    axes.plot([], [], color="tab:blue", label=f"latents, {len(latents)} channels")
    gaussian = np.exp(-(middles**2) / 2) / np.sqrt(2 * np.pi)
    axes.plot(middles, gaussian, color="black", linestyle="--", label="standard Gaussian")
    axes.set(xlabel="latent, in deviations of its channel", ylabel="density")
    axes.legend()
    figure.savefig(path, dpi=120)


def plot_curves(path: Path, curves: dict[str, Curve], ylabel: str) -> None:
    """Means over seeds, with the range of the seeds around them (Fig. 14)."""
    figure = Figure((6, 4), layout="constrained")
    axes = figure.subplots()
    for name, (steps, values) in curves.items():
        (line,) = axes.plot(steps, values.mean(0), label=name)
        axes.fill_between(steps, values.min(0), values.max(0), color=line.get_color(), alpha=0.2)
    axes.set(xlabel="training step", ylabel=ylabel)
    axes.legend()
    figure.savefig(path, dpi=120)
