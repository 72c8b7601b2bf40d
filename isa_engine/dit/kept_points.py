"""Point tokens that are kept from one forward pass and read in another, in place of moving points again."""

import torch


class KeptPoints:
    """What each layer's video reads of the points, in the order in which it is read.

    Args:
        points: an empty list is filled; a full one is read; None: nothing is kept.
    """

    def __init__(self, points: list[torch.Tensor] | None):
        self._points = points
        self._stored = iter(points) if points else None

    @property
    def moves(self) -> bool:
        """Whether the points are moved in this pass."""
        return self._stored is None

    def stored(self) -> torch.Tensor | None:
        """What is to be read next; None where the points are moved."""
        return None if self._stored is None else next(self._stored)

    def keep(self, read: torch.Tensor) -> None:
        if self.moves and self._points is not None:
            self._points.append(read)
