"""Attention across time of a video that is spread over several workers: each has some of the temporal
windows, and in every layer neighbours exchange the tokens at which their windows overlap.

A worker lends its first tokens to the worker before it, whose last windows reach into them, and gets back
what those windows answer. The anchor's tokens come from the first worker. Everything else in a layer stays
within a latent, and needs no other worker.
"""

from collections.abc import Callable
from typing import Protocol

import torch

from isa_engine.dit.transformer import Transformer
from isa_engine.geometry.temporal_windows import TemporalWindows, shares


class Neighbours(Protocol):
    """How one worker reaches the others; all of them make the same calls in the same order.

    If another worker is lost, every method raises an error with which this one gives up, too.

    Attributes:
        number: of this worker, from 0.
        count: of all workers.
    """

    number: int
    count: int

    def back(self, lent: torch.Tensor, borrowed: torch.Tensor) -> torch.Tensor:
        """Give tokens to the worker before, and get those of the one after.

        Args:
            lent: empty for the first worker.
            borrowed: of the shape and on the device of what comes; empty for the last worker.
        """
        ...

    def on(self, given: torch.Tensor, taken: torch.Tensor) -> torch.Tensor:
        """Give tokens to the worker after, and get those of the one before; as ``back``."""
        ...

    def from_first(self, tokens: torch.Tensor) -> torch.Tensor:
        """The first worker's tokens; of those that the others pass, only the shape counts."""
        ...


class SharedWindows:
    """Attention across time in one worker's windows (``OverWindows`` has all of a video's).

    Args:
        windows: the temporal windows of the whole video.
        neighbours: the other workers.
        clocks: of a whole window, of its latents and of its frames (``positional_encoding.window_clocks``).
        visible: ``(B, F, P)`` bool, of the whole video; None where all are.
    """

    def __init__(
        self,
        windows: TemporalWindows,
        neighbours: Neighbours,
        clocks: tuple[torch.Tensor, torch.Tensor],
        visible: torch.Tensor | None,
    ):
        self.windows, self.neighbours, self.clocks, self.visible = windows, neighbours, clocks, visible
        dealt, number = shares(windows, neighbours.count), neighbours.number
        self.own = dealt[number]
        before = dealt[number - 1] if number else None
        # How many of this worker's latents are in the windows of the one before, and how many of the next
        # worker's latents are in this one's.
        self.lent = before.ahead(windows) if before else 0
        self.borrowed = 0 if number == len(dealt) - 1 else self.own.ahead(windows)

    def across(
        self,
        transformer: Transformer,
        x: torch.Tensor,
        modulation: torch.Tensor,
        place: Callable[[int], int] | None = None,
    ) -> torch.Tensor:
        """A transformer across time on this worker's tokens, ``(B, n, N, d)`` to the same shape.

        Args:
            x: tokens of this worker's latents or, with ``place``, of their frames' points.
            modulation: ``(B, 6, d)``.
            place: from a latent to its first frame, for points; None for the video's tokens.
        """
        own, windows = self.own, self.windows
        clock, seen = (self.clocks[0], None) if place is None else (self.clocks[1], self.visible)
        place = place or (lambda latent: latent)
        base, end = place(own.first), place(own.last)
        lent = place(own.first + self.lent) - base
        borrowed = place(own.last + self.borrowed) - end
        held = torch.cat([x, self.neighbours.back(x[:, :lent], x[:, :1].expand(-1, borrowed, -1, -1))], 1)
        anchored = place(windows.anchor)
        begins = x[:, :anchored] if base == 0 else x[:, :1].expand(-1, anchored, -1, -1)
        first = self.neighbours.from_first(begins) if anchored else None

        weights = clock.new_tensor(windows.weights()).repeat_interleave(len(clock) // windows.window)
        clock, weights = clock[:, None], weights[:, None, None]
        anchor = None
        if first is not None:
            # With the times that they have in the first window.
            early = clock[-place(windows.window) :][:anchored]
            anchor = transformer.stream.attention_input(first, modulation, early)
        total, early = torch.zeros_like(held), []
        for start in own.starts:
            begin, stop = place(start), place(start + windows.window)
            n, where = stop - begin, slice(begin - base, stop - base)
            tokens = transformer.stream.attention_input(held[:, where], modulation, clock[-n:])
            known = None if seen is None else seen[:, begin:stop]
            context = tokens
            if anchor is not None and start:
                context = torch.cat([anchor, tokens], 1)
                known = None if seen is None else torch.cat([seen[:, :anchored], known], 1)
            answer = transformer.attention(tokens, context, known, across=True) * weights[-n:]
            # The worker before has begun the sums of what it was lent: they go on in the order of the
            # windows, as on one device, or they would round otherwise.
            late = max(0, lent - where.start)
            early += [(slice(where.start, lent), answer[:, :late])] if late else []
            total[:, where.start + late : where.stop] += answer[:, late:]
        total[:, :lent] = self.neighbours.on(total[:, end - base :], x[:, :lent])
        for where, answer in early:
            total[:, where] += answer
        blended = total[:, : end - base] / self._weight(weights, place)[base:end]
        return transformer.stream(x, blended, modulation)

    def _weight(self, weights: torch.Tensor, place: Callable[[int], int]) -> torch.Tensor:
        """``(n, 1, 1)``: the sum of all windows' weights at each time of the whole video."""
        total = weights.new_zeros(place(self.windows.total), 1, 1)
        for start in self.windows.starts:
            begin, stop = place(start), place(start + self.windows.window)
            total[begin:stop] += weights[begin - stop :]
        return total
