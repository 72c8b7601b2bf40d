"""Footage: a video and its masks, at the size and rate that a data set keeps."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from isa_engine.data.footage.screening import thumbnail
from isa_engine.data.recordings.media import VideoReader, decode_picture
from isa_engine.data.recordings.unfit import Unfit
from isa_engine.errors import DataError, reason
from isa_engine.sandbox.media import rate_of, upright, upright_size

VIDEOS = (".mp4", ".mov", ".mkv", ".webm", ".avi")
MASKS = "masks"
OTHER_MASK, BROKEN, UNEVEN = "mask of another size", "broken video", "uneven times"
# Bytes of pictures that are held at once: longer videos are to be split.
_MAX_BYTES = 4 * 2**30
_MAX_MASK = 2**28
# Frames by which one may be shown sooner or later than evenly: phones lose some.
_MOST_LATE = 2.0
# Faster footage is thinned to about this rate.
_RATE = 24.0


@dataclass(frozen=True)
class Footage:
    """Real video and its masks, as they are read.

    Attributes:
        video: ``(F, h, w, 3)`` uint8, resized.
        mask: ``(F, h, w)`` uint8, 0 the set, any number for each person.
        thumbnails: ``(F, 36, 64, 3)`` of ``screening``.
        fps: frames a second that are kept.
        step: source frames that each stands for.
        source_frames, source_size: of the file, ``(height, width)``.
    """

    video: np.ndarray
    mask: np.ndarray
    thumbnails: np.ndarray
    fps: float
    step: int
    source_frames: int
    source_size: tuple[int, int]


def read_footage(path: Path, short_side: int) -> Footage:
    """Read a video and the masks in the folder of its name.

    Args:
        short_side: pixels of the shorter side that are kept; never enlarged.

    Raises:
        Unfit: the video is broken, too long or of uneven times, a mask is missing, broken or of another size.
    """
    frames, thumbnails = [], []
    try:
        with VideoReader(path) as stream:
            fps = _even_rate(stream.times(), stream.fps)
        with VideoReader(path) as stream:
            if not 1 <= fps <= 1000:
                raise DataError(f"it has {fps:.3g} frames a second")
            step = max(1, round(fps / _RATE))
            for count, frame in enumerate(stream):
                # Masks and tracks are of the video as it is seen.
                seen = upright_size(frame, (frame.height, frame.width))
                if count == 0:
                    source_size = seen
                    height, width = _fitting(source_size, short_side)
                elif seen != source_size:
                    raise DataError("the size changes along the way")
                if count % step == 0:
                    resized = upright(frame, (width, height))
                    frames.append(resized)
                    thumbnails.append(thumbnail(resized))
                if len(frames) * height * width * 3 > _MAX_BYTES:
                    raise Unfit("too long", f"over {count} frames", remedy="Split the video.")
    except Unfit:
        raise
    except (DataError, OSError) as error:
        raise Unfit(BROKEN, reason(error)) from error
    if not frames:
        raise Unfit(BROKEN, "there are no frames")
    mask = _masks(path.with_suffix("") / MASKS, count + 1, step, source_size, (height, width))
    return Footage(np.stack(frames), mask, np.stack(thumbnails), fps / step, step, count + 1, source_size)


def _even_rate(times: list[float], said: float) -> float:
    """Frames a second of a video whose frames are shown at these times, in seconds.

    Raises:
        Unfit: the times are so uneven that whoever moves in it would move at a wrong speed.
    """
    if not times:
        raise Unfit(BROKEN, "there are no frames")
    rate = rate_of(times, said)
    late = np.abs(np.array(times) - np.linspace(times[0], times[-1], len(times)))
    if late.max() * rate > _MOST_LATE:
        remedy = "Save it at a constant rate, and track that."
        raise Unfit(UNEVEN, f"frame {late.argmax()} is {late.max():.2f} s off its time", remedy=remedy)
    return rate


def _fitting(size: tuple[int, int], short_side: int) -> tuple[int, int]:
    """The size that is kept: even, in proportion."""
    scale = min(1.0, short_side / min(size))
    return tuple(max(2, 2 * round(side * scale / 2)) for side in size)


def _masks(
    folder: Path, frames: int, step: int, source_size: tuple[int, int], size: tuple[int, int]
) -> np.ndarray:
    paths = sorted(folder.glob("*.png"))
    if len(paths) != frames:
        raise Unfit("masks of another length", f"{len(paths)} masks for {frames} frames")
    masks = []
    for path in paths[::step]:
        try:
            if path.stat().st_size > _MAX_MASK:
                raise DataError("the file is too long")
            numbers = decode_picture(path.read_bytes(), "L")
        except (DataError, OSError) as error:
            raise Unfit("broken mask", f"{path.name}: {error}") from error
        if numbers.shape != source_size:
            found = " × ".join(str(side) for side in reversed(numbers.shape))
            raise Unfit(OTHER_MASK, f"{path.name} is {found}, the video {source_size[1]} × {source_size[0]}")
        masks.append(np.array(Image.fromarray(numbers).resize(size[::-1], Image.Resampling.NEAREST)))
    return np.stack(masks)
