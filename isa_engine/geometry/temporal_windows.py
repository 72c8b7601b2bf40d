"""Which latents attention across time sees together, where a video is longer than a window."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TemporalWindows:
    """The windows of a video, in latents.

    Attributes:
        total: t, latents of the video; more than a window's.
        window: latents of each.
        stride: between beginnings; the last window ends with the video.
        anchor: so many latents of the first window are keys of every other, for colours that stay.
    """

    total: int
    window: int
    stride: int
    anchor: int

    @property
    def starts(self) -> list[int]:
        last = self.total - self.window
        return [*range(0, last, self.stride), last]

    @property
    def pieces(self) -> list[tuple[int, int]]:
        """``[first, last)`` of the latents that are done with each window."""
        starts = self.starts
        return list(zip(starts, [*starts[1:], self.total], strict=True))

    def weights(self) -> list[int]:
        """Of each of a window's latents: most in the middle, and never nothing."""
        return [min(k + 1, self.window - k) for k in range(self.window)]


def temporal_windows(latents: int, window: int | None, stride: int, anchor: int) -> TemporalWindows | None:
    """The windows of so many latents; None: one covers them, or there are none. As of ``DiTConfig``."""
    if window is None or latents <= window:
        return None
    return TemporalWindows(latents, window, stride, anchor)
