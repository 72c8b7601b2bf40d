"""The pictures that steer a model, each drawn once in a generation, whoever wants it: the model's conditions,
the record's hashes, the plate's edge.

They are kept packed until the generation ends; a skeleton or a mask takes some KiB.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from isa_engine.controls import CONTROLS
from isa_engine.controls.depth import nearest
from isa_engine.shot import Shot


@dataclass
class _Drawn:
    """
    Attributes:
        pictures: packed, by control, characters and frame.
    """

    shot: Shot
    pictures: dict[tuple[str, tuple[int, ...], int], bytes] = field(default_factory=dict)

    @cached_property
    def nearest(self) -> float:
        return nearest(self.shot)


_drawn: _Drawn | None = None


def drawn_pictures(
    shot: Shot, name: str, numbers: Sequence[int], cast: Sequence[int] | None = None
) -> Iterator[np.ndarray]:
    """A shot's pictures of a name of ``CONTROLS``, of the canvas's size: ``(H, W, 3)`` uint8 each.

    Args:
        numbers: of the frames, counted from 0.
        cast: who is in them, as indices into the shot's characters; None: everybody.
    """
    global _drawn
    if _drawn is None or _drawn.shot is not shot:
        _drawn = _Drawn(shot)
    # Another generation may begin while this one is asked for its next picture.
    drawn, size = _drawn, (shot.settings.width, shot.settings.height)
    who = tuple(range(len(shot.characters)) if cast is None else cast)
    fresh = _fresh(drawn, name, size, [n for n in numbers if (name, who, n) not in drawn.pictures], who)
    for number in numbers:
        packed = drawn.pictures.get((name, who, number))
        if packed is None:
            picture = next(fresh)
            drawn.pictures[name, who, number] = zlib.compress(np.ascontiguousarray(picture), 1)
        else:
            picture = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(*size[::-1], 3)
        yield picture


def forget_drawn() -> None:
    """Let go of all pictures."""
    global _drawn
    _drawn = None


def _fresh(
    drawn: _Drawn, name: str, size: tuple[int, int], numbers: list[int], who: tuple[int, ...]
) -> Iterator[np.ndarray]:
    people = replace(drawn.shot, characters=tuple(drawn.shot.characters[each] for each in who))
    # By the scale of everybody, also where one is painted after the other.
    scale = {"white": drawn.nearest} if name == "depth" and numbers else {}
    return CONTROLS[name](people, size, numbers, **scale)
