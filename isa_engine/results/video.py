"""Plates and mattes as video files, H.264.

A plate has one movie frame a scene frame: frames of a shot that steps by n are held for n, so a plate never
needs retiming in Blender. The same frames always give the same bytes.
"""

import itertools
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from isa_engine.results.files import cannot_write

if TYPE_CHECKING:
    import av

# crf 12 is visually lossless; a plate is composited and graded further. Equal frames must give equal bytes,
# but x264's decisions depend on the number of threads, and those of mb-tree on memory that it never set.
_ENCODER = {"crf": "12", "preset": "medium", "threads": "1", "x264-params": "mbtree=0"}
_BT709 = 1


def write_video(
    path: Path, frames: Iterable[np.ndarray], fps: Fraction, frame_step: int, metadata: dict[str, str]
) -> None:
    """Write an H.264 file (yuv420p, BT.709).

    Args:
        frames: ``(H, W, 3)`` uint8 sRGB, all of one even size; consumed as they come.
        fps: of the scene.
        frame_step: scene frames that each frame is held for; the last is shown once.
        metadata: container tags; ``comment`` and ``title`` are what players show.

    Raises:
        EngineError: the place cannot be written; nothing is left there.
    """
    # Here alone: machines that train need this package, and may have no codecs.
    import av
    import av.error
    from av.video.reformatter import ColorRange, Colorspace

    try:
        with av.open(
            str(path), "w", format="mp4", options={"movflags": "faststart", "fflags": "+bitexact"}
        ) as file:
            file.metadata.update(metadata)
            stream = None
            for frame in _held(frames, frame_step):
                if stream is None:
                    stream = _stream(file, frame.shape, fps)
                picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
                picture = picture.reformat(
                    format="yuv420p",
                    src_colorspace=Colorspace.ITU709,
                    dst_colorspace=Colorspace.ITU709,
                    dst_color_range=ColorRange.MPEG,
                )
                file.mux(stream.encode(picture))
            file.mux(stream.encode(None))
    except (OSError, av.error.FFmpegError) as error:
        path.unlink(missing_ok=True)
        raise cannot_write(path, error) from error


def _stream(file: "av.container.OutputContainer", shape: tuple[int, ...], fps: Fraction):
    from av.video.reformatter import ColorRange

    stream = file.add_stream("libx264", rate=fps, options=_ENCODER)
    stream.height, stream.width, stream.pix_fmt = shape[0], shape[1], "yuv420p"
    context = stream.codec_context
    context.color_range = ColorRange.MPEG
    context.colorspace = context.color_primaries = context.color_trc = _BT709
    return stream


def _held(frames: Iterable[np.ndarray], times: int) -> Iterable[np.ndarray]:
    """Each frame ``times`` times, the last once."""
    iterator = iter(frames)
    current = next(iterator)
    for following in iterator:
        yield from itertools.repeat(current, times)
        current = following
    yield current
