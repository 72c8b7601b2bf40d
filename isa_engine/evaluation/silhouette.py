"""Silhouettes: figures keyed from a flat screen, and how well two of them agree."""

import torch
from torch import Tensor

# Of the cast's pixels, the share whose colours may be nearer to the screen than what the key is set on.
_NEAREST = 0.05


def tolerance(video: Tensor, screen: Tensor, mask: Tensor) -> float:
    """What a keyer is set to for a take: half way between the screen and the colours nearest to it that the
    cast wears.

    Args:
        video: ``(3, F, H, W)``, the render.
        screen: ``(3,)`` its colour.
        mask: ``(F, H, W)`` bool, where the cast is.
    """
    return 0.5 * torch.quantile(_distance(video, screen)[mask], _NEAREST).item()


def keyed(video: Tensor, screen: Tensor, tolerance: float) -> Tensor:
    """Where the figures are: ``(F, H, W)`` bool, true where a colour is further from the screen."""
    return _distance(video, screen) > tolerance


def iou(first: Tensor, second: Tensor) -> float:
    """Intersection over union of two masks of one shape; two empty ones agree."""
    union = (first | second).sum()
    return ((first & second).sum() / union).item() if union else 1.0


def _distance(video: Tensor, screen: Tensor) -> Tensor:
    return torch.linalg.vector_norm(video - screen.view(3, 1, 1, 1), dim=0)
