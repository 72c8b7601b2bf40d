"""Identity: does each figure look like its own reference rather than like somebody else's?

Light differs between a clip and its references by more than clothes do, so colours are not compared as they
are, nor all with all. On held-out renders the energy distance of a figure's pixels to a reference's names the
right person for 0.80 of the figures; the distance below, for all of them.
"""

import torch
from torch import Tensor

from isa_engine.evaluation.worn import Worn

# The fewest points by which a figure or a reference can be told.
_FEWEST = 32
# Metres on the body at rest over which a point's colour is shared with what lies around it.
_REACH = 0.1
_LUMINANCE = (0.299, 0.587, 0.114)
# Added to colours whose mean brightness is one: darker ones are all black.
_DARK = 0.3
# What a difference in brightness, which may be light's, counts beside one in colour.
_BRIGHTNESS = 0.3


def recognised(figures: list[Worn], references: list[Worn], rest: Tensor) -> list[bool | None]:
    """Whose reference each figure is closest to.

    Args:
        figures: what a video shows of each character where it ought to be.
        references: what its own reference shows of each.
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
    """``(N, N)`` how much the points share. Left is right: people are dressed alike on both sides."""
    folded = torch.cat([rest[:, :1].abs(), rest[:, 1:]], 1)
    return torch.exp(-0.5 * (torch.cdist(folded, folded) / _REACH).square())


def _spread(worn: Worn, near: Tensor) -> tuple[Tensor, Tensor]:
    """Colours of all points ``(N, 3)`` as the seen ones around have them, and how well each is known
    ``(N,)``, from 0 to 1: so that what one picture shows of a body meets what another shows."""
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
