"""Which latents attention across time sees together, if a video is longer than a temporal window."""

from dataclasses import dataclass


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
        return [min(k + 1, self.window - k) for k in range(self.window)]


def temporal_windows(latents: int, window: int | None, stride: int, anchor: int) -> TemporalWindows | None:
    """The temporal windows of so many latents; None if one covers them all, or the model has none.

    ``window``, ``stride`` and ``anchor`` are those of ``DiTConfig``.
    """
    if window is None or latents <= window:
        return None
    return TemporalWindows(latents, window, stride, anchor)
