"""Which frames a latent stands for.

A video of 1 + T frames has 1 + T/4 latents: the first stands for the first frame alone, each later one for
the four frames of the causal VAE's window. With indices from 0: latent 0 ↔ frame 0, latent j ≥ 1 ↔ frames
4j − 3 … 4j. (The inclusive range of Eq. 9 would count each window's first frame twice.)
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

TEMPORAL_COMPRESSION = 4
# Latents decoded at once, so that a long take needs no more memory than these.
DECODED_AT_ONCE = 4


def latent_count(frames: int) -> int:
    """Latents of a video of ``frames`` ≥ 1 frames, extended to whole windows."""
    return 1 + -(-(frames - 1) // TEMPORAL_COMPRESSION)


def whole_latents(frames: int) -> int:
    """Those of a video's latents that stand for no frame after its last."""
    return 1 + (frames - 1) // TEMPORAL_COMPRESSION


def extended_count(frames: int) -> int:
    """The smallest length ≥ ``frames`` that fills whole windows; the excess repeats the last frame."""
    return 1 + TEMPORAL_COMPRESSION * (latent_count(frames) - 1)


def extended(per_frame: np.ndarray) -> np.ndarray:
    """``(F, …)`` with the last frame repeated until it fills whole windows."""
    return repeated(per_frame, extended_count(len(per_frame)))


def repeated(per_frame: np.ndarray, count: int) -> np.ndarray:
    """``(F, …)`` with the last frame repeated until there are so many."""
    return np.concatenate([per_frame, np.repeat(per_frame[-1:], count - len(per_frame), axis=0)])


def windows(frames: int) -> np.ndarray:
    """Frame indices behind each latent: ``(latents, 4)`` int64.

    Row 0 repeats frame 0. Attention over its points is not changed by that: equal keys share one weight.

    Raises:
        ValueError: ``frames`` does not fill whole windows.
    """
    if frames != extended_count(frames):
        raise ValueError(f"{frames} frames do not fill whole windows of {TEMPORAL_COMPRESSION}")
    later = np.arange(1, frames).reshape(-1, TEMPORAL_COMPRESSION)
    return np.concatenate([np.zeros((1, TEMPORAL_COMPRESSION), np.int64), later])


def latent_of_frame(frames: int) -> np.ndarray:
    """The latent that holds each frame: ``(frames,)`` int64."""
    return latent_of(np.arange(frames))


def latent_of(frame):
    """The latent that holds a frame: of a number, or of an array of numbers, numpy or torch."""
    return -(-frame // TEMPORAL_COMPRESSION)


def frames_before(latent: int) -> int:
    """Frames of a video before those of a latent."""
    return max(0, TEMPORAL_COMPRESSION * (latent - 1) + 1)


def segment_latents(segments: Sequence[int]) -> list[tuple[int, int]]:
    """The latents ``[first, last)`` of each segment between cuts.

    Each segment begins with a latent of one frame, as a video does: no window reaches across a cut.

    Args:
        segments: frames of each.
    """
    ends = np.cumsum([latent_count(frames) for frames in segments]).tolist()
    return list(zip([0, *ends], ends, strict=False))


class Piece(NamedTuple):
    """What of a segment a span has.

    Attributes:
        segment: its number.
        start: of the take's latents, the segment's first.
        first, last: of the segment's latents, ``[first, last)``.
        before: of the take's frames, so many are before the segment.
        shown: of the segment's frames, those behind these latents.
    """

    segment: int
    start: int
    first: int
    last: int
    before: int
    shown: range


def pieces_of(segments: Sequence[int], span: tuple[int, int] | None) -> Iterator[Piece]:
    """A span by segments, those that it has anything of.

    Args:
        segments: frames of each.
        span: of the take's latents, ``[first, last)``; None: all of them.
    """
    before = 0
    for number, ((start, end), frames) in enumerate(zip(segment_latents(segments), segments, strict=True)):
        first, last = (start, end) if span is None else (max(start, span[0]), min(end, span[1]))
        if first < last:
            first, last = first - start, last - start
            shown = range(frames_before(first), min(frames, frames_before(last)))
            yield Piece(number, start, first, last, before, shown)
        before += frames


class Made(NamedTuple):
    """A segment of which something is made.

    Attributes:
        frames: of the segment.
        first, last: of the segment's latents, ``[first, last)``, from the first one that is made to the last.
    """

    frames: int
    first: int
    last: int


def made_of(segments: Sequence[int], again: np.ndarray) -> tuple[Made, ...]:
    """The segments of which something is made.

    Args:
        segments: frames of each.
        again: ``(t,)`` bool, of the take's latents those that are made.
    """
    found = []
    for frames, (start, end) in zip(segments, segment_latents(segments), strict=True):
        made = np.flatnonzero(again[start:end])
        if len(made):
            found.append(Made(frames, int(made[0]), int(made[-1]) + 1))
    return tuple(found)


def decoding_spans(segments: Sequence[int], latents: int) -> list[tuple[int, int]]:
    """All segments cut into spans of latents ``[first, last)`` that are decoded by themselves.

    Args:
        segments: frames of each.
        latents: of a span, rounded up to a multiple of ``DECODED_AT_ONCE``; a segment's last has fewer.
    """
    size = -(-latents // DECODED_AT_ONCE) * DECODED_AT_ONCE
    return [
        (first, min(first + size, end))
        for start, end in segment_latents(segments)
        for first in range(start, end, size)
    ]
