"""In which parts Wan-VACE makes a segment: in context windows, and, where the shot wants it, its people one
after the other.

The farthest is painted first, with the set; each nearer one only where it stands, over what there is by then.
So nobody sees another's reference, and those in front cover those behind. The order is by mean depth and the
same for a whole segment: on frames on which somebody stands behind another who is painted already, nothing is
painted over that one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from isa_engine.geometry.frames import latent_count, latent_of_frame
from isa_engine.geometry.ndc import view_depth
from isa_engine.models.vace import context_windows
from isa_engine.pipeline.drawn import drawn_own_masks
from isa_engine.pipeline.painter import Part
from isa_engine.pipeline.progress import Report, Steps
from isa_engine.shot import Shot


@dataclass(frozen=True)
class Pass(Part):
    """
    Attributes:
        cast: who is painted, as indices into the shot's characters.
        order: in which all are painted one by one; empty: at once.
    """

    cast: tuple[int, ...] = ()
    order: tuple[int, ...] = ()

    @property
    def before(self) -> tuple[int, ...]:
        """Who is painted already."""
        return self.order[: self.order.index(self.cast[0])] if self.order else ()


def passes_of(shot: Shot, side: int, segment: int, again: Tensor, report: Report) -> list[Pass]:
    """
    Args:
        side: pixels to a latent pixel's side.
        again: ``(t,)`` bool of the segment's latents, those that are made.
        report: called while it is looked where who stands.

    Raises:
        Cancelled: by ``report``.
    """
    made, order = again[:, None, None], far_to_near(shot, segment)
    if not shot.settings.one_by_one or len(order) < 2:
        return list(_in_time(shot, made, tuple(range(len(shot.characters))), ()))
    found = []
    for place, (who, room) in enumerate(zip(order, _rooms(shot, side, segment, order, report), strict=True)):
        # The first paints the set as well.
        mine = made & room.to(made.device) if place else made
        found += _in_time(shot, mine, (who,), order)
    return found


def far_to_near(shot: Shot, segment: int) -> tuple[int, ...]:
    """Those of the cast whom a segment shows, by how far they are from the camera on the whole."""
    numbers, views, away = _numbers(shot, segment), shot.mvp, {}
    for who, character in enumerate(shot.characters):
        seen = [number for number in numbers if character.visible[number]]
        depths = [np.median(view_depth(character.points[k].astype(np.float64), views[k])) for k in seen]
        if seen:
            away[who] = float(np.mean(depths))
    return tuple(sorted(away, key=lambda who: -away[who]))


def pictures_of(shot: Shot, cast: Sequence[int]) -> int:
    """How many of these have a reference."""
    return sum(shot.characters[who].reference is not None for who in cast)


def _in_time(shot: Shot, made: Tensor, cast: tuple[int, ...], order: tuple[int, ...]) -> Iterator[Pass]:
    """Context windows, each of which goes on from the end of the one before.

    Args:
        made: ``(t, 1, 1)`` or ``(t, h, w)`` bool of the segment's latents.
    """
    there, done = made.flatten(1).any(1).nonzero(), 0
    if not len(there):
        return
    for first, last in context_windows((int(there[0]), int(there[-1]) + 1), len(made)):
        mine = made.clone()
        mine[:done] = False
        if (part := mine[first:last]).any():
            yield Pass((first, last), part, pictures_of(shot, cast), cast, order)
        done = last


def _rooms(shot: Shot, side: int, segment: int, order: tuple[int, ...], report: Report) -> Tensor:
    """The latents ``(n, t, h, w)`` that show each of the cast where no other of those before is nearer, and
    one more on each side: a latent's picture reaches beyond it."""
    numbers, settings = _numbers(shot, segment), shot.settings
    width, height = settings.width // side, settings.height // side
    shown = torch.zeros(len(order), latent_count(len(numbers)), height, width)
    looked = Steps(report, "encode", len(numbers)).each(drawn_own_masks(shot, order, numbers))
    for latent, masks in zip(latent_of_frame(len(numbers)), looked, strict=True):
        there = masks.reshape(len(order), height, side, width, side).any((2, 4))
        shown[:, latent] = torch.maximum(shown[:, latent], torch.from_numpy(there).float())
    return torch.nn.functional.max_pool2d(shown, 3, 1, 1) > 0


def _numbers(shot: Shot, segment: int) -> range:
    """Of the shot's frames those of a segment."""
    before = sum(shot.segments[:segment])
    return range(before, before + shot.segments[segment])
