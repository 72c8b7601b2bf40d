"""The pictures that steer a model, each drawn once in a generation, whoever wants it: the model's conditions,
the record's hashes, the plate's edge.

They are kept packed until the generation ends.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from isa_engine.controls import CONTROLS
from isa_engine.controls.depth import nearest
from isa_engine.controls.masks import own_masks
from isa_engine.pipeline.packed import Packed
from isa_engine.shot import Shot


@dataclass
class _Drawn:
    """
    Attributes:
        packed: by what is drawn, of whom, and frame.
    """

    shot: Shot
    packed: dict[tuple[str, tuple[int, ...], int], Packed] = field(default_factory=dict)

    @cached_property
    def nearest(self) -> float:
        return nearest(self.shot)

    @property
    def size(self) -> tuple[int, int]:
        return self.shot.settings.width, self.shot.settings.height


_drawn: _Drawn | None = None
# What the masks of people who are painted one by one are kept by, beside the names of ``CONTROLS``.
_OWN = "own"


def drawn_pictures(
    shot: Shot, name: str, numbers: Sequence[int], cast: Sequence[int] | None = None
) -> Iterator[np.ndarray]:
    """A shot's pictures of a name of ``CONTROLS``, of the canvas's size: ``(H, W, 3)`` uint8 each.

    Args:
        numbers: of the frames, counted from 0.
        cast: who is in them, as indices into the shot's characters; None: everybody.
    """
    drawn, who = _of(shot), tuple(range(len(shot.characters)) if cast is None else cast)
    people = replace(shot, characters=tuple(shot.characters[each] for each in who))

    def draw(numbers: list[int]) -> Iterator[np.ndarray]:
        # By the scale of everybody, also where one is painted after the other.
        scale = {"white": drawn.nearest} if name == "depth" and numbers else {}
        return CONTROLS[name](people, drawn.size, numbers, **scale)

    return _each_once(drawn, (name, who), numbers, draw)


def drawn_own_masks(shot: Shot, order: Sequence[int], numbers: Sequence[int]) -> Iterator[np.ndarray]:
    """``own_masks`` of people in the order in which they are painted, of the canvas's size: ``(n, H, W)``
    bool each.

    Args:
        order: indices into the shot's characters.
        numbers: of the frames, counted from 0.
    """
    drawn, who = _of(shot), tuple(order)

    def draw(numbers: list[int]) -> Iterator[np.ndarray]:
        return map(np.stack, own_masks(shot, drawn.size, who, numbers))

    return _each_once(drawn, (_OWN, who), numbers, draw)


def forget_drawn() -> None:
    """Let go of all pictures."""
    global _drawn
    _drawn = None


def _of(shot: Shot) -> _Drawn:
    global _drawn
    if _drawn is None or _drawn.shot is not shot:
        _drawn = _Drawn(shot)
    return _drawn


def _each_once(
    drawn: _Drawn,
    what: tuple[str, tuple[int, ...]],
    numbers: Sequence[int],
    draw: Callable[[list[int]], Iterator[np.ndarray]],
) -> Iterator[np.ndarray]:
    """Those that were drawn already as they were, the others as they are asked for.

    Args:
        draw: of frames that were not.
    """
    # Another generation may begin while this one is asked for its next picture: each keeps its own.
    fresh = draw([number for number in numbers if (*what, number) not in drawn.packed])
    for number in numbers:
        packed = drawn.packed.get((*what, number))
        if packed is None:
            picture = next(fresh)
            drawn.packed[*what, number] = Packed.of(picture)
        else:
            picture = packed.array()
        yield picture
