"""Attention across time of a video that lies on several workers: each has some of the windows, and what these
have in common with the next worker's goes to and fro, layer by layer.

A worker lends the first tokens of its own to the one before it, whose last windows reach into them, and gets
what those windows say of them. The anchor comes from the first worker. All else is within a latent.
"""

from collections.abc import Callable
from typing import Protocol

import torch

from isa_engine.dit.transformer import Transformer
from isa_engine.geometry.temporal_windows import Share, TemporalWindows


class Neighbours(Protocol):
    """The other workers, as one of them reaches them; all call in the same order.

    Every method raises what the worker cannot go on from where another one is lost.
    """

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
        """The first worker's tokens; what others give tells the shape alone."""
        ...


class SharedWindows:
    """A worker's windows, where ``OverWindows`` has all of them.

    Args:
        all_shares: of all workers, in order.
        number: of this worker.
        clocks: of a whole window, of its latents and of its frames (``positional_encoding.window_clocks``).
        visible: ``(B, F, P)`` bool, of the whole video.
    """

    def __init__(
        self,
        windows: TemporalWindows,
        all_shares: list[Share],
        number: int,
        neighbours: Neighbours,
        clocks: tuple[torch.Tensor, torch.Tensor],
        visible: torch.Tensor,
    ):
        self.windows, self.neighbours, self.clocks, self.visible = windows, neighbours, clocks, visible
        self.own = all_shares[number]
        before = all_shares[number - 1] if number else None
        # Latents of our own that the worker before has in its windows, and of the next one's in ours.
        self.lent = before.ahead(windows) if before else 0
        self.borrowed = 0 if number == len(all_shares) - 1 else self.own.ahead(windows)

    def across(
        self,
        transformer: Transformer,
        x: torch.Tensor,
        modulation: torch.Tensor,
        place: Callable[[int], int] | None = None,
    ) -> torch.Tensor:
        """A transformer across time, of this worker's tokens.

        Args:
            x: ``(B, n, N, d)``: of the video's own latents or, with a place, of the points' frames.
            modulation: ``(B, 6, d)``.
            place: where a latent's first frame is; None: of latents.
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
            # As the first window has them, by its own clock.
            early = clock[-place(windows.window) :][:anchored]
            anchor = transformer.stream.attention_input(first, modulation, early)
        total = torch.zeros_like(held)
        for start in own.starts:
            begin, stop = place(start), place(start + windows.window)
            n, where = stop - begin, slice(begin - base, stop - base)
            tokens = transformer.stream.attention_input(held[:, where], modulation, clock[-n:])
            known = None if seen is None else seen[:, begin:stop]
            context = tokens
            if anchor is not None and start:
                context = torch.cat([anchor, tokens], 1)
                known = None if seen is None else torch.cat([seen[:, :anchored], known], 1)
            total[:, where] += transformer.attention(tokens, context, known, across=True) * weights[-n:]
        come = self.neighbours.on(total[:, end - base :], x[:, :lent])
        total[:, :lent] += come
        blended = total[:, : end - base] / self._weight(weights, place)[base:end]
        return transformer.stream(x, blended, modulation)

    def _weight(self, weights: torch.Tensor, place: Callable[[int], int]) -> torch.Tensor:
        """``(n, 1, 1)`` of all windows of the video together, at each place in time."""
        total = weights.new_zeros(place(self.windows.total), 1, 1)
        for start in self.windows.starts:
            begin, stop = place(start), place(start + self.windows.window)
            total[begin:stop] += weights[begin - stop :]
        return total
