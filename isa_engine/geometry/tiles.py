"""A canvas larger than the one that a model was made for, or longer, in tiles that overlap.

A tile is a square of the size that the model knows: what it sees is a picture through a longer lens. So the
canvas may have more pixels than any picture that the model has learned from, and people have as many more as
if the camera stood nearer. It is a square, as most pictures that models learn from are: in tiles of 16 to 9
faces and legs come apart.
"""

import math
from dataclasses import dataclass
from types import EllipsisType

from isa_engine.geometry.overlaps import overlap_weights

# The part of a tile's side that it shares with the next one, at least.
_OVERLAP = 0.25
# How far beside a tile somebody still matters to it, of its side: shadows fall into it, and a network has
# learned from people who are partly out of its picture.
MARGIN = 0.25
# The shape of the longest canvas that is seen whole: models learn from pictures of up to 16 to 9, whose sides
# are rounded to tokens.
_LONGEST = 1.8


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

    def near(self, ndc):
        """Which points of the canvas matter to the tile: those in it, and within ``MARGIN`` of its side.

        Args:
            ndc: ``(..., ≥2)`` of the canvas, numpy or torch.

        Returns:
            ``(...)`` bool.
        """
        (across, up, _), (right, above, _) = self.lens
        reach = 1 + 2 * MARGIN
        return (abs(across * ndc[..., 0] + right) <= reach) & (abs(up * ndc[..., 1] + above) <= reach)

    def in_tokens(self, patch: int) -> "Tile":
        """The same tile of the same canvas, in tokens of patch × patch latent pixels."""
        numbers = self.canvas, self.first, self.size
        return Tile(*((rows // patch, columns // patch) for rows, columns in numbers))

    def weights(self) -> tuple[list[int], list[int]]:
        """Of its rows and of its columns, where tiles overlap: largest in the middle, never zero."""
        rows, columns = map(overlap_weights, self.size)
        return rows, columns


def tiles(rows: int, columns: int, side: int, patch: int = 1) -> list[Tile]:
    """The tiles of a canvas, row by row; a single one of all of it where neither side is longer than those of
    pictures that the model has learned from.

    Args:
        rows, columns: of the canvas in latent pixels, multiples of ``patch``.
        side: of the model's own canvas, the shorter one, in latent pixels.
        patch: latent pixels to a token's side; a tile begins with a token.
    """
    canvas = rows, columns
    counts, size = counted(rows, columns, side, patch)
    tops, lefts = (
        _evenly((total - length) // patch, count, patch)
        for total, length, count in zip(canvas, size, counts, strict=True)
    )
    return [Tile(canvas, (top, left), size) for top in tops for left in lefts]


def counted(rows: int, columns: int, side: int, patch: int = 1) -> tuple[tuple[int, int], tuple[int, int]]:
    """How many tiles ``tiles`` has along the rows and along the columns, and their size, without listing
    them: what a shot asks for may be larger than any machine.
    """
    short, long = sorted((rows, columns))
    if short <= side and long <= _LONGEST * short:
        return (1, 1), (rows, columns)
    known = min(side, short)
    length = min(short, patch * math.ceil(known / patch))
    return (along(rows, known), along(columns, known)), (length, length)


def along(total: int, length: float) -> int:
    """How many tiles lie along a side of a canvas.

    Args:
        total: that side.
        length: of a tile, in the same unit; along the shorter side it is that of the model's own canvas.
    """
    return 1 + max(0, math.ceil((total - length) / ((1 - _OVERLAP) * length)))


def enlarged(side: int, count: int) -> int:
    """The shorter side of the largest canvas that has so many tiles along it, of a model of that side."""
    return side + int((count - 1) * (1 - _OVERLAP) * side)


def _evenly(steps: int, count: int, patch: int) -> list[int]:
    """Where so many tiles begin, the last one so many patches after the first."""
    return [patch * round(steps * k / (count - 1)) if k else 0 for k in range(count)]
