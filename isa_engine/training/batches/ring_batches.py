"""Batches from a ring of clips (``training.ring``): the processor draws the next ones meanwhile."""

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

import numpy as np

from isa_engine.errors import DataError
from isa_engine.training.batches.ahead import Ahead
from isa_engine.training.ring.feeder import LOG, is_fed
from isa_engine.training.ring.ring import Ring
from isa_engine.training.ring.shelves import Draw

T = TypeVar("T")
# Seconds after which as many clips as there are must do, and in which the first one must come.
_FIRST_CLIPS, _FIRST_CLIP = 20.0, 180.0
# Batches that are drawn while others are learned from.
_AHEAD = 3


class RingBatches(ABC, Generic[T]):
    """What batches from a ring have in common; which clips they hold depends on what was rendered by then.

    Args:
        ring: to draw from.
        draws: kinds of batch.

    Attributes:
        latent_frames: that were handed out.
    """

    def __init__(self, ring: Ring, draws: Sequence[Draw]):
        self.ring, self.draws = ring, draws
        self.latent_frames = 0
        self._drawn = Ahead(self._draw, _AHEAD)
        self._shelves = {
            (s.frames, s.width, s.height): number for number, s in enumerate(ring.layout.shelves)
        }

    def wait(self) -> None:
        """Until every shelf holds a quarter of a batch, so that few clips are in a batch twice; or for so
        long that what is there must do.

        Raises:
            DataError: nothing comes.
        """
        began, wanted = time.monotonic(), np.zeros(len(self.ring.layout.shelves))
        for draw in self.draws:
            shelf = self.shelf(draw)
            slots = self.ring.layout.shelves[shelf].slots
            wanted[shelf] = max(wanted[shelf], min(slots, draw.clips / 4))
        while (self.ring.filled() < wanted).any():
            waited, some = time.monotonic() - began, self._ready()
            if some and waited > _FIRST_CLIPS:
                return
            if waited > _FIRST_CLIP or not is_fed(self.ring.folder):
                remedy = f"Its feeder's {LOG} says why."
                raise DataError("no clip comes", where=str(self.ring.folder), remedy=remedy)
            time.sleep(0.1)

    def shelf(self, draw: Draw) -> int:
        """The number of the shelf that a kind of batch is drawn from."""
        return self._shelves[draw.length, draw.width, draw.height]

    @abstractmethod
    def drawn(self, draw: Draw, random: np.random.Generator) -> T:
        """A batch of that kind, on its way to the device; several threads ask."""

    def _draw(self, number: int) -> T:
        # Numbers below zero, which are no step's, have batches of their own.
        random = np.random.default_rng([number < 0, abs(number)])
        ready = self._ready()
        if not ready:
            raise DataError("no clip has been made yet", where=str(self.ring.folder), remedy="Wait.")
        shares = np.array([draw.share for draw in ready])
        return self.drawn(ready[random.choice(len(ready), p=shares / shares.sum())], random)

    def _ready(self) -> list[Draw]:
        """Kinds of batch whose shelves hold something."""
        filled = self.ring.filled()
        return [draw for draw in self.draws if filled[self.shelf(draw)]]
