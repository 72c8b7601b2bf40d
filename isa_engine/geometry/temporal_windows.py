"""Which latents attention across time sees together, if a video is longer than a temporal window."""

from dataclasses import dataclass
from itertools import pairwise

from isa_engine.geometry.overlaps import overlap_weights

# Latents before and after a span, that are seen by it where it is made again.
CONTEXT = 4


@dataclass(frozen=True)
class TemporalWindows:
    """The temporal windows of a video; all numbers count latents.

    Attributes:
        total: t, the video's length; more than ``window``.
        window: the length of each window.
        stride: from one window's beginning to the next's; the last is placed to end with the video.
        anchor: how many latents at the video's beginning all other windows see too: without, colours drift.
    """

    total: int
    window: int
    stride: int
    anchor: int

    @property
    def starts(self) -> list[int]:
        """The first latent of each window."""
        last = self.total - self.window
        return [*range(0, last, self.stride), last]

    @property
    def pieces(self) -> list[tuple[int, int]]:
        """The latents ``[first, last)`` that are done after each window, since no later one reaches them."""
        starts = self.starts
        return list(zip(starts, [*starts[1:], self.total], strict=True))

    def weights(self) -> list[int]:
        """The weight of each latent of a window where windows overlap: largest in the middle, never zero."""
        return overlap_weights(self.window)


def temporal_windows(latents: int, window: int | None, stride: int, anchor: int) -> TemporalWindows | None:
    """The temporal windows of so many latents; None if one covers them all, or the model has none.

    ``window``, ``stride`` and ``anchor`` are those of ``DiTConfig``.
    """
    if window is None or latents <= window:
        return None
    return TemporalWindows(latents, window, stride, anchor)


def seen_with(first: int, last: int, latents: int, window: int | None) -> tuple[int, int]:
    """The latents ``[first, last)`` of a segment that go through the network where only some of it is made:
    these, and what they must see about them; of a model without windows all.

    Args:
        first, last: ``[first, last)``, those that are made.
        latents: of the segment.
        window: of ``DiTConfig``.
    """
    if window is None:
        return 0, latents
    begin, end = max(0, first - CONTEXT), min(latents, last + CONTEXT)
    # Fewer than a window would see less about them than they could, and cost hardly less.
    begin = max(0, min(begin, end - window))
    return begin, min(latents, max(end, begin + window))


@dataclass(frozen=True)
class Share:
    """What one of several workers has of a video's windows.

    Attributes:
        starts: of its windows.
        first, last: its own latents ``[first, last)``, those that are done with its windows.
    """

    starts: tuple[int, ...]
    first: int
    last: int

    def ahead(self, windows: TemporalWindows) -> int:
        """How many of the next worker's latents are in this worker's windows too."""
        return self.starts[-1] + windows.window - self.last


def shares(windows: TemporalWindows, workers: int) -> list[Share]:
    """The windows of a video dealt out in order, as evenly as possible, to at most so many workers.

    There are fewer shares if with more a window would reach beyond the next worker's latents, or the anchor
    beyond the first worker's: then more than two neighbours would have to exchange tokens.
    """
    for count in range(min(workers, len(windows.starts)), 1, -1):
        dealt = _dealt(windows, count)
        reach = all(one.ahead(windows) <= after.last - after.first for one, after in pairwise(dealt))
        if reach and windows.anchor <= dealt[0].last:
            return dealt
    return _dealt(windows, 1)


def _dealt(windows: TemporalWindows, count: int) -> list[Share]:
    starts = windows.starts
    begins = [len(starts) * k // count for k in range(count + 1)]
    ends = [*(starts[begin] for begin in begins[1:-1]), windows.total]
    return [
        Share(tuple(starts[begin:end]), starts[begin], last)
        for (begin, end), last in zip(pairwise(begins), ends, strict=True)
    ]
