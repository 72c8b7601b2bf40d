"""Which pixels shapes cover, and which shape is nearest at each. P counts pairs of a shape and a pixel."""

from collections.abc import Iterator

import numpy as np

# At most so many pairs are held at once: where many shapes fill the picture, all would not fit into memory.
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
    """Every pixel of every box, ``_AT_ONCE`` at a time: the box's number, the pixel's column and its row,
    ``(P,)`` each."""
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
    """A z-buffer: the nearest shape at each pixel; of equally near ones, the one that was drawn first.

    Attributes:
        depth: ``(height, width)`` metres from the camera along its axis; infinite where nothing is.
        shape: ``(height, width)`` int64, the number of the nearest shape, −1 where nothing is.
    """

    def __init__(self, size: tuple[int, int]):
        self.depth = np.full((size[1], size[0]), np.inf)
        self.shape = np.full((size[1], size[0]), -1)

    def draw(self, shapes: np.ndarray, columns: np.ndarray, rows: np.ndarray, depth: np.ndarray) -> None:
        """Draw shapes at pixels: numbers, columns, rows, and depths in metres, ``(P,)`` each."""
        cells, flat = rows * self.depth.shape[1] + columns, self.depth.reshape(-1)
        before = flat[cells]
        np.minimum.at(flat, cells, depth)
        won = np.flatnonzero((depth == flat[cells]) & (depth < before))[::-1]
        self.shape.reshape(-1)[cells[won]] = shapes[won]
