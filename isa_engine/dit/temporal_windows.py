"""Attention across time in windows that overlap: its cost grows with a video's length, not with the square.

Only two branches of a layer mix times: the video's across latents, and the points' across frames. Here each
sees one window at a time, on a clock that begins anew, so never more than the model was trained on; where
windows overlap their answers are blended. Tokens come in pieces, and leave as soon as no later window reaches
them: a layer holds one window, however long the video is.
"""

from collections.abc import Callable

import torch

from isa_engine.dit.transformer import Transformer
from isa_engine.geometry.temporal_windows import TemporalWindows


class OverWindows:
    """A transformer across time, one window after the other (``Transformer.forward`` does it whole).

    Args:
        transformer: one that was made with ``across``.
        modulation: ``(B, 6, d)``.
        clock: ``(n, d)``, encodings of the n times of a whole window.
        windows: the temporal windows of the video.
        place: from a latent to the index of its first token in time: the latent itself for video tokens, its
            first frame for points.
    """

    def __init__(
        self,
        transformer: Transformer,
        modulation: torch.Tensor,
        clock: torch.Tensor,
        windows: TemporalWindows,
        place: Callable[[int], int] = lambda latent: latent,
    ):
        self.transformer, self.modulation = transformer, modulation
        starts = windows.starts
        self._spans = [(place(start), place(start + windows.window)) for start in starts]
        self._anchored = place(windows.anchor)
        weights = clock.new_tensor(windows.weights())
        self._weights = weights.repeat_interleave(len(clock) // windows.window)[:, None, None]
        self._clock = clock[:, None]
        self._x = self._seen = self._total = self._weight = self._anchor = None

    def push(self, x: torch.Tensor, seen: torch.Tensor | None = None) -> list[torch.Tensor]:
        """Take the next piece, and return those that are done, ``(B, n, N, d)`` each.

        Args:
            x: ``(B, n, N, d)``.
            seen: ``(B, n, N)`` bool, false where a token is masked as a key.
        """
        self._x = _after(self._x, x)
        self._seen = None if seen is None else _after(self._seen, seen)
        done = []
        while self._spans and self._x.shape[1] >= self._spans[0][1] - self._spans[0][0]:
            done.append(self._window())
        return done

    def _window(self) -> torch.Tensor:
        begin, end = self._spans.pop(0)
        n = end - begin
        seen = None if self._seen is None else self._seen[:, :n]
        clock, weight = self._clock[-n:], self._weights[-n:].clone()
        tokens = self.transformer.stream.attention_input(self._x[:, :n], self.modulation, clock)
        context, known = tokens, seen
        if self._anchor is not None:
            anchor, anchor_seen = self._anchor
            context = torch.cat([anchor, tokens], 1)
            known = None if seen is None else torch.cat([anchor_seen, seen], 1)
        elif self._anchored:
            first = slice(0, self._anchored)
            self._anchor = tokens[:, first], None if seen is None else seen[:, first]
        attended = self.transformer.attention(tokens, context, known, across=True) * weight
        if self._total is not None:
            overlap = self._total.shape[1]
            attended[:, :overlap] += self._total
            weight[:overlap] += self._weight
        finished = self._spans[0][0] - begin if self._spans else n
        blended = attended[:, :finished] / weight[:finished]
        out = self.transformer.stream(self._x[:, :finished], blended, self.modulation)
        self._x = self._x[:, finished:]
        self._seen = None if self._seen is None else self._seen[:, finished:]
        self._total, self._weight = attended[:, finished:], weight[finished:]
        return out


def _after(held: torch.Tensor | None, more: torch.Tensor) -> torch.Tensor:
    return more if held is None else torch.cat([held, more], 1)
