"""Videos as arrays, and strange ones as files."""

import io
import struct
from fractions import Fraction

import av
import numpy as np

from isa_engine.sandbox import footage

# Rows of the matrix by which players turn a picture of an MP4, by degrees clockwise.
_TURNS = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}


def read_video(encoded: bytes, frames: int, size: tuple[int, int]) -> np.ndarray:
    """So many frames of a video, ``(frames, height, width, 3)`` uint8, resized to ``(width, height)``."""
    return np.stack(list(footage(encoded, frames, size)))


def lying(encoded: bytes, degrees: int) -> bytes:
    """An MP4 that says that players are to turn its pictures by so many degrees clockwise, as phones do."""
    header = encoded.index(b"tkhd") + 4
    # Version and flags, times, numbers, lengths, layer and volume come before it.
    matrix = header + 4 + (32 if encoded[header] else 20) + 16
    a, b, c, d = (number << 16 for number in _TURNS[degrees])
    turned = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    return encoded[:matrix] + turned + encoded[matrix + len(turned) :]


def filmed(frames: np.ndarray, rate: int = 25, kind: str = "yuv444p", options=None, **told: int) -> bytes:
    """An MP4 as a camera writes it.

    Args:
        frames: ``(F, H, W, 3)``, uint8 or, where the kind has more bits, uint16.
        kind: FFmpeg's name of the pixels' format.
        options: of x264.
        told: of the stream's colours, FFmpeg's numbers.
    """
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate=rate, options={"crf": "0", **(options or {})})
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], kind
        for name, value in told.items():
            setattr(stream.codec_context, name, value)
        for shown in frames:
            frame = av.VideoFrame.from_ndarray(shown, "rgb24" if frames.dtype == np.uint8 else "rgb48le")
            file.mux(stream.encode(frame.reformat(format=kind, dst_colorspace=told.get("colorspace"))))
        file.mux(stream.encode(None))
    return buffer.getvalue()


def timed(frames: np.ndarray, milliseconds: list[int], kind: str = "mp4", stretch: int = 1) -> bytes:
    """A video whose frames are shown at these times, and whose pixels are so many times as wide as high.

    Args:
        frames: ``(F, H, W, 3)`` uint8.
    """
    buffer, clock = io.BytesIO(), Fraction(1, 1000)
    with av.open(buffer, "w", format=kind) as file:
        # A browser says of what it records that it has a frame each tick.
        stream = file.add_stream("libx264rgb" if kind == "mp4" else "libvpx-vp9", rate=1000)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "rgb24" if kind == "mp4" else "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(stretch)
        stream.codec_context.time_base = clock
        for shown, time in zip(frames, milliseconds, strict=True):
            frame = av.VideoFrame.from_ndarray(shown, "rgb24")
            frame.pts, frame.time_base = time, clock
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return buffer.getvalue()
