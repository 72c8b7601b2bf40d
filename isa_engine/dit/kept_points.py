"""Point tokens that are kept from one forward pass and read in another, in place of moving points again."""

import torch


class KeptPoints:
    """The point tokens that each layer's video reads, stored by one forward pass or read back in another.

    Args:
        points: an empty list is filled in the order of reading; a filled one is read in that order; None:
            nothing is stored.
    """

    def __init__(self, points: list[torch.Tensor] | None):
        self._points = points
        self._stored = iter(points) if points else None

    @property
    def moves(self) -> bool:
        """Whether the points are moved in this pass."""
        return self._stored is None

    def stored(self) -> torch.Tensor | None:
        """The point tokens to read next; None where this pass moves the points itself."""
        return None if self._stored is None else next(self._stored)

    def keep(self, read: torch.Tensor) -> None:
        """Store what was read, if this pass fills a list."""
        if self.moves and self._points is not None:
            self._points.append(read)
