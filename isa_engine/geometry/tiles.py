"""A canvas larger than the one that a model was made for, in tiles that overlap.

A tile has the shape of the canvas and the size that the model knows: what it sees is a picture through a
longer lens. So the canvas may have more pixels than any picture that the model has learned from, and people
have as many more as if the camera stood nearer.
"""

import math
from dataclasses import dataclass
from types import EllipsisType

# The part of a tile's side that it shares with the next one, at least.
_OVERLAP = 0.25


@dataclass(frozen=True)
class Tile:
    """A part of a canvas, all in latent pixels; row 0 is the top.

    Attributes:
        canvas: rows and columns of the whole.
        first: its first row and column.
        size: its rows and columns.
    """

    canvas: tuple[int, int]
    first: tuple[int, int]
    size: tuple[int, int]

    @property
    def part(self) -> tuple[EllipsisType, slice, slice]:
        """Index of ``(..., h, w)``."""
        return ..., *(slice(first, first + size) for first, size in zip(self.first, self.size, strict=True))

    @property
    def lens(self) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
        """Scale and shift that make NDC of the tile of NDC of the canvas, by axis: ``scale · ndc + shift``.
        The tile's camera sees less of the world; depths are as they were."""
        (rows, columns), (top, left), (height, width) = self.canvas, self.first, self.size
        # y is up: where the tile's middle is in the canvas.
        x, y = (2 * left + width) / columns - 1, 1 - (2 * top + height) / rows
        return (columns / width, rows / height, 1.0), (-x * columns / width, -y * rows / height, 0.0)

    def in_tokens(self, patch: int) -> "Tile":
        """The same tile of the same canvas, in tokens of patch × patch latent pixels."""
        numbers = self.canvas, self.first, self.size
        return Tile(*((rows // patch, columns // patch) for rows, columns in numbers))

    def weights(self) -> tuple[list[int], list[int]]:
        """Of its rows and of its columns, where tiles overlap: largest in the middle, never zero."""
        rows, columns = ([min(k + 1, size - k) for k in range(size)] for size in self.size)
        return rows, columns


def tiles(rows: int, columns: int, side: int, patch: int = 1) -> list[Tile]:
    """The tiles of a canvas, row by row; a single one of all of it where its shorter side is no longer than
    the model's.

    Args:
        rows, columns: of the canvas in latent pixels, multiples of ``patch``.
        side: of the model's own canvas, the shorter one, in latent pixels.
        patch: latent pixels to a token's side; a tile begins with a token.
    """
    short = min(rows, columns)
    if short <= side:
        return [Tile((rows, columns), (0, 0), (rows, columns))]
    count = along(short, side)
    axes = [_along(total, side * total / short, count, patch) for total in (rows, columns)]
    (height, tops), (width, lefts) = axes
    return [Tile((rows, columns), (top, left), (height, width)) for top in tops for left in lefts]


def along(short: int, side: int) -> int:
    """How many tiles lie along each side of a canvas.

    Args:
        short: the canvas's shorter side.
        side: that of the model's own canvas, in the same unit.
    """
    return 1 + max(0, math.ceil((short - side) / ((1 - _OVERLAP) * side)))


def enlarged(side: int, count: int) -> int:
    """The shorter side of the largest canvas that has so many tiles along each; arguments as of ``along``."""
    return side + int((count - 1) * (1 - _OVERLAP) * side)


def _along(total: int, length: float, count: int, patch: int) -> tuple[int, list[int]]:
    """Length and beginnings of the tiles along an axis, evenly spread."""
    length = min(total, patch * math.ceil(length / patch))
    steps = (total - length) // patch
    return length, [patch * round(steps * k / (count - 1)) for k in range(count)]
