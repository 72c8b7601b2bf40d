"""Pictures and videos as bytes, for data sets: H.264 in RGB, exact or nearly so, and PNG.

Coded in RGB because at a training canvas of 128 pixels halving the colours' resolution (4:2:0) costs 5 dB
and the conversion to YCbCr alone caps what is left at 51 dB. Exact coding takes a twelfth of the raw size of
rendered clips. The same pictures always give the same bytes.
"""

import io
import itertools
import os
from collections.abc import Iterable, Iterator
from fractions import Fraction

import av
import av.error
import numpy as np
from PIL import Image

from isa_engine.data.recordings.recording import MAX_SIDE
from isa_engine.errors import DataError
from isa_engine.sandbox.deinterlacing import deinterlaced
from isa_engine.sandbox.media import times_of

EXACT = 0
# 50 dB on rendered clips in half the bytes of exact coding: for footage that was compressed before.
NEARLY_EXACT = 12

_ENCODER = {"preset": "medium", "threads": "1", "x264-params": "mbtree=0"}
# Containers that hold their own pictures: a playlist could name any file of this machine.
_SELF_CONTAINED = {
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi",
    "protocol_whitelist": "none",
}
_MAX_PIXELS = MAX_SIDE * MAX_SIDE


def encode_video(frames: Iterable[np.ndarray], fps: float, quantiser: int) -> bytes:
    """An MP4 of ``(H, W, 3)`` uint8 pictures, one or more.

    Args:
        quantiser: x264's constant rate factor, ``EXACT`` or ``NEARLY_EXACT``.
    """
    buffer, coming = io.BytesIO(), iter(frames)
    begin = next(coming)
    with av.open(buffer, "w", format="mp4", options={"fflags": "+bitexact"}) as file:
        options = _ENCODER | {"crf": str(quantiser)}
        stream = file.add_stream("libx264rgb", rate=Fraction(fps).limit_denominator(1001), options=options)
        stream.height, stream.width, stream.pix_fmt = *begin.shape[:2], "rgb24"
        for frame in itertools.chain([begin], coming):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        file.mux(stream.encode(None))
    return buffer.getvalue()


def decode_video(encoded: bytes, shape: tuple[int, int, int]) -> np.ndarray:
    """All frames ``(F, H, W, 3)`` uint8 of a video that ``encode_video`` made.

    Args:
        shape: the ``(F, H, W)`` that it should have.

    Raises:
        DataError: it cannot be decoded, or has another shape.
    """
    frames = np.empty((*shape, 3), np.uint8)
    count = 0
    with VideoReader(io.BytesIO(encoded)) as stream:
        for frame in itertools.islice(stream, shape[0] + 1):
            if count == shape[0] or (frame.height, frame.width) != shape[1:]:
                raise DataError(f"a picture is {frame.width} × {frame.height}, or there are too many of them")
            frames[count] = frame.to_ndarray(format="rgb24")
            count += 1
    if count != shape[0]:
        raise DataError(f"the video has {count} frames instead of {shape[0]}")
    return frames


class VideoReader:
    """The frames of a video somebody else made, one at a time; ``fps`` beside them.

    Args:
        file: a path or an open file.

    Raises:
        DataError: it is no video, is too large, or breaks along the way.
    """

    def __init__(self, file: str | os.PathLike | io.IOBase):
        self.file = file if isinstance(file, io.IOBase) else open(file, "rb")  # noqa: SIM115

    def __enter__(self) -> "VideoReader":
        try:
            self.container = av.open(self.file, "r", options=_SELF_CONTAINED)
            # None: the header does not tell the stream's codec, and it cannot be decoded.
            context = self.container.streams.video[0].codec_context if self.container.streams.video else None
            if context is None:
                raise DataError("there is no picture in the video")
            if not 0 < context.width * context.height <= _MAX_PIXELS:
                raise DataError(f"a picture is {context.width} × {context.height}")
            # Frames may be larger than the header said, so the limit holds for each.
            context.options = {"max_pixels": str(_MAX_PIXELS)}
            self.fps = float(self.container.streams.video[0].average_rate or 0)
        except (av.error.FFmpegError, ValueError, OSError) as error:
            self.file.close()
            raise DataError("the video cannot be decoded") from error
        except DataError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.container.close()
        self.file.close()

    def times(self) -> list[float]:
        """When each encoded frame is shown, in seconds, in order; 0 where the file does not tell. It reads
        the file to its end."""
        try:
            return times_of(self.container.demux(video=0))
        except (av.error.FFmpegError, ValueError) as error:
            raise DataError("the video cannot be read to its end") from error

    def __iter__(self) -> Iterator[av.VideoFrame]:
        try:
            yield from deinterlaced(self.container.decode(video=0))
        except (av.error.FFmpegError, ValueError) as error:
            raise DataError("the video cannot be decoded to its end") from error


def encode_picture(picture: np.ndarray) -> bytes:
    """A PNG of an ``(H, W, 3)`` uint8 picture."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


def decode_picture(encoded: bytes, mode: str = "RGB") -> np.ndarray:
    """A PNG's pixels, uint8.

    Args:
        mode: ``RGB``, or ``L`` for numbers: grey values, or indices into a palette.

    Raises:
        DataError: it is no PNG, or too large.
    """
    try:
        with Image.open(io.BytesIO(encoded), formats=("PNG",)) as image:
            if image.width * image.height > _MAX_PIXELS:
                raise DataError(f"the picture is {image.width} × {image.height}")
            numbers = mode == "L" and image.mode in ("P", "L", "1")
            return np.array(image if numbers else image.convert(mode), np.uint8)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError("the picture cannot be decoded") from error
