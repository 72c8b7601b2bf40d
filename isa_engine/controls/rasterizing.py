"""Which pixels shapes cover, and which shape is nearest there. P pairs of a shape and a pixel."""

from collections.abc import Iterator

import numpy as np

# Pairs of a shape and a pixel that are held at once; bounds memory where shapes fill the picture.
_AT_ONCE = 2**21


def pixel_boxes(low: np.ndarray, high: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The pixels of a picture whose centres lie within boxes.

    Args:
        low, high: ``(n, 2)`` corners in pixels, x right and y down; infinite where a shape has no end.
        size: width and height.

    Returns:
        ``(n, 4)`` int64: first column, first row, columns and rows; none where a box lies outside.
    """
    first = np.ceil(np.clip(low - 0.5, 0, size)).astype(np.int64)
    last = np.floor(np.clip(high - 0.5, -1, np.array(size) - 1)).astype(np.int64)
    return np.concatenate([first, (last - first + 1).clip(0)], 1)


def pixels_in(boxes: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Every pixel of every box, some at a time: the box's number, column and row, ``(P,)`` each."""
    counts = boxes[:, 2] * boxes[:, 3]
    ends = np.cumsum(counts)
    starts = ends - counts
    total = int(counts.sum())
    for first in range(0, total, _AT_ONCE):
        last = min(first + _AT_ONCE, total)
        number = np.repeat(np.arange(len(boxes)), ends.clip(first, last) - starts.clip(first, last))
        rows, columns = np.divmod(np.arange(first, last) - starts[number], boxes[number, 2])
        yield number, boxes[number, 0] + columns, boxes[number, 1] + rows


class DepthBuffer:
    """The nearest of all that was drawn, by pixel; of what is equally near, what was drawn first.

    Attributes:
        depth: ``(height, width)`` metres from the camera along its axis; infinite where nothing is.
        shape: ``(height, width)`` int64, the number of the nearest shape, −1 where nothing is.
    """

    def __init__(self, size: tuple[int, int]):
        self.depth = np.full((size[1], size[0]), np.inf)
        self.shape = np.full((size[1], size[0]), -1)

    def draw(self, shapes: np.ndarray, columns: np.ndarray, rows: np.ndarray, depth: np.ndarray) -> None:
        """Shapes ``(P,)`` at pixels, in so many metres."""
        cells, flat = rows * self.depth.shape[1] + columns, self.depth.reshape(-1)
        before = flat[cells]
        np.minimum.at(flat, cells, depth)
        won = np.flatnonzero((depth == flat[cells]) & (depth < before))[::-1]
        self.shape.reshape(-1)[cells[won]] = shapes[won]
