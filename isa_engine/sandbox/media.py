"""Foreign pictures and footage to pixels. Runs in the limited process of ``sandbox.process`` alone."""

import contextlib
import io
import itertools
from collections.abc import Iterable, Iterator

import av
import av.error
import numpy as np
from PIL import Image, UnidentifiedImageError

from isa_engine.errors import ShotError
from isa_engine.sandbox.deinterlacing import deinterlaced
from isa_engine.sandbox.high_dynamic_range import CURVES, as_srgb
from isa_engine.shot.validation import MAX_ASPECT

MAX_PIXELS = 64 * 2**20
_REMEDY_PICTURE = "Export it again as PNG or JPEG."
_REMEDY_LARGE = f"Use at most {MAX_PIXELS // 10**6} megapixels."
_MAX_SOURCE_PIXELS = 64 * 2**20
# Containers that hold their own pictures: a playlist in a foreign shot could name any file of this machine.
_SELF_CONTAINED = {
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi",
    "protocol_whitelist": "none",
}
_REMEDY = "Save it as H.264 in MP4."
# Frames a second where a file tells nothing; the share by which what it says may differ from what it holds.
_RATE, _DIFFERENT = 25.0, 0.02


def picture(encoded: bytes, where: str) -> np.ndarray:
    """A PNG or JPEG as ``(H, W, 3)`` uint8 sRGB; transparency lies on mid-grey.

    Its pixels stay as they lie: Blender, where the character was matched to them, ignores EXIF's orientation.

    Raises:
        ShotError: it is too large, too long or damaged.
    """
    try:
        # Opening reads the header alone.
        with Image.open(io.BytesIO(encoded), formats=("PNG", "JPEG")) as file:
            _check_size(*file.size, where)
            shown = _eight_bits(file)
            # To lay it on a ground takes longer than to decode it.
            if not file.has_transparency_data:
                return np.array(shown.convert("RGB"))
            shown = shown.convert("RGBA")
    except Image.DecompressionBombError as error:
        raise ShotError("the picture is too large", where=where, remedy=_REMEDY_LARGE) from error
    except UnidentifiedImageError as error:
        raise ShotError("the picture is no PNG and no JPEG", where=where, remedy=_REMEDY_PICTURE) from error
    except (OSError, ValueError, SyntaxError) as error:
        raise ShotError("the picture is damaged", where=where, remedy=_REMEDY_PICTURE) from error
    ground = Image.new("RGBA", shown.size, (128, 128, 128, 255))
    return np.array(Image.alpha_composite(ground, shown).convert("RGB"))


def _eight_bits(file: Image.Image) -> Image.Image:
    """Greys of 16 bits scaled to 8; Pillow's conversion would make white of all above 255."""
    if not file.mode.startswith("I"):
        return file
    return Image.fromarray((np.asarray(file).astype(np.uint32) / 257).round().astype(np.uint8))


def footage(encoded: bytes, frames: int, size: tuple[int, int], where: str) -> Iterator[np.ndarray]:
    """So many frames of a video from its beginning, turned as players turn them and resized.

    Args:
        size: ``(width, height)``.
        where: whose it is, for the error.

    Yields:
        ``(height, width, 3)`` uint8 sRGB.

    Raises:
        ShotError: it cannot be decoded, is too large, or too short: before the first frame where the file
            has too few packets; after all that it has where some of these show nothing.
    """
    with Movie(encoded, where) as movie:
        _check_length(len(movie.packets()), frames, where)
    count = 0
    with Movie(encoded, where) as movie:
        for shown in itertools.islice(movie.frames(size), frames):
            count += 1
            yield shown
    _check_length(count, frames, where)


def _check_length(found: int, frames: int, where: str) -> None:
    if found < frames:
        problem = f"the video has {found} frames and the shot {frames}"
        raise ShotError(problem, where=where, remedy="Use longer footage or shorten the range.")


class Movie:
    """A video that is read frame by frame.

    Args:
        where: whose it is, for the error.

    Attributes:
        rate: frames a second, as the file says; 0 where it does not tell.

    Raises:
        ShotError: it cannot be decoded, or is too large.
    """

    def __init__(self, encoded: bytes, where: str):
        self._where = where
        with self._refused():
            self._file = av.open(io.BytesIO(encoded), "r", options=_SELF_CONTAINED)
            streams = self._file.streams.video
            # None: the header does not tell the stream's codec, and it cannot be decoded.
            context = streams[0].codec_context if streams else None
            if context is None:
                raise ShotError("there is no picture in the video", where=where, remedy=_REMEDY)
            if context.width * context.height > _MAX_SOURCE_PIXELS:
                problem = f"{context.width} × {context.height} pixels are too many"
                raise ShotError(problem, where=where, remedy="Save it smaller; the canvas is.")
            # Frames may be larger than the header said, so the limit holds for each.
            context.options = {"max_pixels": str(_MAX_SOURCE_PIXELS)}
            # The process may start no others.
            context.thread_count = 1
            # Players stretch pixels that are not square, as those of old tapes.
            stretch = float(streams[0].sample_aspect_ratio or 1)
            self._size = context.width * stretch, context.height
            self.rate = float(streams[0].average_rate or 0)

    def __enter__(self) -> "Movie":
        return self

    def __exit__(self, *_) -> None:
        self._file.close()

    def frames(self, size: tuple[int, int]) -> Iterator[np.ndarray]:
        """Every frame, turned as players turn it and resized: ``(height, width, 3)`` uint8 sRGB.

        Args:
            size: ``(width, height)``.
        """
        with self._refused():
            for frame in deinterlaced(self._file.decode(video=0)):
                yield upright(frame, size)

    def packets(self) -> list[float]:
        """When each encoded frame is shown, in seconds, in order; 0 where the file does not tell. At most so
        many frames can be decoded, whatever the file says. It reads the file to its end."""
        with self._refused():
            packets = self._file.demux(video=0)
            return times_of(packet for packet in packets if not packet.is_discard)

    def evenly(self, longest: int, rate: float) -> Iterator[np.ndarray]:
        """What players show so many times a second: ``(height, width, 3)`` uint8 sRGB, turned and stretched
        as the file says. A frame that stays is there again; one that another follows sooner is left out.

        Args:
            longest: pixels of the longer side, to which larger frames are scaled down.
            rate: pictures a second.
        """
        share = min(1.0, longest / max(self._size))
        lying = tuple(max(round(side * share), 2) for side in self._size)
        before, number, start = None, 0, None
        with self._refused():
            for frame in deinterlaced(self._file.decode(video=0)):
                start = frame.time if start is None else start
                # None: the file does not tell, and the frame follows the one before.
                since = None if frame.time is None else frame.time - start
                due = number + (before is not None) if since is None else round(since * rate)
                while before is not None and number < due:
                    yield before
                    number += 1
                before = upright(frame, upright_size(frame, lying))
            if before is not None:
                yield before

    @contextlib.contextmanager
    def _refused(self) -> Iterator[None]:
        try:
            yield
        except av.error.FFmpegError as error:
            problem = "the video cannot be decoded"
            raise ShotError(problem, where=self._where, remedy=_REMEDY) from error


def upright_size(frame: av.VideoFrame, size: tuple[int, int]) -> tuple[int, int]:
    """Of a frame of this size as it lies in the file, as players turn it, and the other way round: phones
    film upright into frames that lie on their side."""
    return size[::-1] if round(frame.rotation / 90) % 2 else size


def upright(frame: av.VideoFrame, size: tuple[int, int]) -> np.ndarray:
    """A frame as players turn it, resized to ``(width, height)``: ``(height, width, 3)`` uint8 sRGB."""
    lying, high = upright_size(frame, size), frame.color_trc in CURVES
    resized = frame.reformat(*lying, "rgb48le" if high else "rgb24", interpolation="AREA", threads=1)
    pixels = resized.to_ndarray()
    if high:
        pixels = as_srgb(pixels, frame.color_trc, frame.color_primaries)
    # Both count counterclockwise.
    return np.ascontiguousarray(np.rot90(pixels, round(frame.rotation / 90)))


def times_of(packets: Iterable[av.Packet]) -> list[float]:
    """When the frames in packets are shown, in seconds, in order; 0 where the file does not tell."""
    return sorted(float((packet.pts or 0) * packet.time_base) for packet in packets if packet.size > 0)


def rate_of(times: list[float], said: float) -> float:
    """Frames a second of a video: as the file says, unless that means nothing, as of a browser's, which says
    1000.

    Args:
        times: when each frame is shown, in seconds, in order.
        said: by the file; 0: nothing.
    """
    lasting = times[-1] - times[0]
    measured = (len(times) - 1) / lasting if lasting > 0 else said or _RATE
    return said if abs(said - measured) <= _DIFFERENT * measured else measured


def _check_size(width: int, height: int, where: str) -> None:
    if width * height > MAX_PIXELS:
        problem, remedy = "is too large", _REMEDY_LARGE
    elif max(width, height) > MAX_ASPECT * min(width, height):
        problem, remedy = "is too long", "Crop it around the people in it."
    else:
        return
    raise ShotError(f"the picture of {width} × {height} pixels {problem}", where=where, remedy=remedy)
