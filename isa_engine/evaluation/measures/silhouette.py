"""Silhouettes: figures keyed from a flat screen, and how well two of them agree."""

import torch
from torch import Tensor

# The share of the cast's pixels, the nearest to the screen in colour, that the key may lose.
_NEAREST = 0.05


def tolerance(video: Tensor, screen: Tensor, mask: Tensor) -> float:
    """The distance in colour beyond which a pixel is a figure's: half of the way from the screen to those
    colours of the cast that are nearest to it.

    Args:
        video: ``(3, F, H, W)``, the render.
        screen: ``(3,)`` its colour.
        mask: ``(F, H, W)`` bool, where the cast is.
    """
    return 0.5 * torch.quantile(_distance(video, screen)[mask], _NEAREST).item()


def keyed(video: Tensor, screen: Tensor, tolerance: float) -> Tensor:
    """Where the figures are: ``(F, H, W)`` bool, true where a colour is farther from the screen than the
    tolerance."""
    return _distance(video, screen) > tolerance


def iou(first: Tensor, second: Tensor) -> float:
    """Intersection over union of two masks of the same shape; 1 for two empty ones."""
    union = (first | second).sum()
    return ((first & second).sum() / union).item() if union else 1.0


def _distance(video: Tensor, screen: Tensor) -> Tensor:
    return torch.linalg.vector_norm(video - screen.view(3, 1, 1, 1), dim=0)
