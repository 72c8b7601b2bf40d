"""Identity: does each figure look like its own reference rather than like somebody else's?"""

import torch
from torch import Tensor

# Pixels of a figure that are compared; and the fewest by which one can be told.
_SAMPLES, _FEWEST = 512, 64


def recognised(video: Tensor, mask: Tensor, references: list[Tensor]) -> list[bool | None]:
    """Whose colours each figure's are closest to.

    Args:
        video: ``(3, F, H, W)``.
        mask: ``(F, H, W)`` int64, k where the k-th character ought to be.
        references: of each character its pixels in its own reference, ``(n, 3)``.

    Returns:
        for each character whether that is its own reference; None where the video or the reference shows too
        little of it.
    """
    answers: list[bool | None] = []
    for k, own in enumerate(references):
        figure = video[:, mask == k + 1].T
        if min(len(figure), len(own)) < _FEWEST:
            answers.append(None)
            continue
        distances = [colour_distance(figure, other) if len(other) else torch.inf for other in references]
        answers.append(min(range(len(distances)), key=distances.__getitem__) == k)
    return answers


def colour_distance(first: Tensor, second: Tensor) -> float:
    """Energy distance (Székely and Rizzo 2013) of two sets of colours ``(n, 3)``: zero for one distribution,
    wherever on the body, and in whatever pose, its colours lie."""
    first, second = _spread(first), _spread(second)
    between = torch.cdist(first, second).mean()
    return (2 * between - torch.cdist(first, first).mean() - torch.cdist(second, second).mean()).item()


def _spread(colours: Tensor) -> Tensor:
    """At most so many of them, evenly over the figure."""
    count = min(len(colours), _SAMPLES)
    return colours[torch.linspace(0, len(colours) - 1, count, device=colours.device).round().long()]
