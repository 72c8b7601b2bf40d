"""The people of a plate with their alpha, for other programs: ProRes 4444, or pictures as PNG or OpenEXR.

ProRes and PNG hold straight colours in sRGB, as these formats are read everywhere; OpenEXR holds
premultiplied light with Rec. 709's primaries in half floats. Pictures bear the scene's frame numbers.

It needs no network, and stands beside the pipeline so that nobody waits for one to be imported.
"""

import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import av.error
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from isa_engine.errors import EngineError, reason
from isa_engine.out_folder import make_folder
from isa_engine.results.files import MATTE, PEOPLE, PLATE, RECORD

_BT709 = 1
# What a folder of pictures has that were delivered before, and what systems put into every folder they show.
_OURS = r"people\.\d+\.(png|exr)|\.DS_Store|Thumbs\.db|desktop\.ini"


def deliver(results: Path, kind: str, out: Path | None = None) -> Path:
    """Write a take's people with alpha.

    Args:
        results: folder with ``plate.mp4`` and ``matte.mp4``, and ``record.json`` for the frame numbers.
        kind: key of ``files.PEOPLE``.
        out: the movie, or the pictures' folder; by default in ``results``. People that stood there are
            replaced once all is written.

    Returns:
        ``out``.

    Raises:
        EngineError: plate or matte is missing or damaged, or the place cannot be written, or has other things
            in it.
    """
    out = out or results / PEOPLE[kind]
    partial = out.with_name(out.name + ".part")
    rate = _rate(results)
    for place in (out, partial):
        if kind != "prores":
            _refuse_strangers(place)
        elif place.is_dir():
            remedy = f"Name another place with --out, such as {place / PEOPLE[kind]}."
            raise EngineError("a folder stands in the place of the movie", where=str(place), remedy=remedy)
    make_folder(out.parent)
    try:
        if kind == "prores":
            _write_movie(partial, people(results), rate)
        else:
            _remove(partial)
            partial.mkdir()
            for number, frame in enumerate(people(results), _first_number(results)):
                _WRITERS[kind](partial / f"people.{number:04}.{kind}", frame)
        if partial.is_dir():
            _remove(out)
        os.replace(partial, out)
    except OSError as error:
        problem = f"the people cannot be written: {reason(error)}"
        remedy = "Free some space, or choose another place with --out."
        raise EngineError(problem, where=str(out), remedy=remedy) from error
    finally:
        _remove(partial)
    return out


def people(results: Path) -> Iterator[np.ndarray]:
    """Each frame's straight colours and alpha, ``(H, W, 4)`` uint8 sRGB.

    Raises:
        EngineError: plate or matte is missing or damaged, or one is longer than the other.
    """
    with contextlib.ExitStack() as stack:
        plate, matte = (_frames(results / name, stack) for name in (PLATE, MATTE))
        try:
            for colours, alpha in zip(plate, matte, strict=True):
                yield np.concatenate([colours, alpha[..., :1]], -1)
        except (ValueError, av.error.FFmpegError) as error:
            raise _damaged(results) from error


def _frames(path: Path, stack: contextlib.ExitStack) -> Iterator[np.ndarray]:
    return (frame.to_ndarray(format="rgb24") for frame in _opened(path, stack).decode(video=0))


def _opened(path: Path, stack: contextlib.ExitStack) -> av.container.InputContainer:
    """A movie that shows something."""
    try:
        file = stack.enter_context(av.open(str(path), format="mp4"))
    except FileNotFoundError as error:
        raise EngineError(
            "the file is missing", where=str(path), remedy="Generate the take again."
        ) from error
    except (av.error.FFmpegError, OSError) as error:
        raise _damaged(path) from error
    if not file.streams.video:
        raise _damaged(path)
    return file


def _damaged(place: Path) -> EngineError:
    return EngineError("plate or matte is damaged", where=str(place), remedy="Generate the take again.")


def _write_movie(path: Path, frames: Iterable[np.ndarray], fps: Fraction) -> None:
    with av.open(str(path), "w", format="mov", options={"fflags": "+bitexact"}) as file:
        stream = None
        for frame in frames:
            if stream is None:
                # 4444 with 16 bits of alpha.
                options = {"profile": "4444", "alpha_bits": "16", "vendor": "apl0"}
                stream = file.add_stream("prores_ks", rate=fps, options=options)
                stream.height, stream.width, stream.pix_fmt = *frame.shape[:2], "yuva444p10le"
                context = stream.codec_context
                context.colorspace = context.color_primaries = context.color_trc = _BT709
            # 16 bits a channel on the way, so that nothing is rounded twice.
            picture = av.VideoFrame.from_ndarray(frame.astype(np.uint16) * 257, format="rgba64le")
            file.mux(
                stream.encode(
                    picture.reformat(
                        format="yuva444p10le",
                        src_colorspace=Colorspace.ITU709,
                        dst_colorspace=Colorspace.ITU709,
                        dst_color_range=ColorRange.MPEG,
                    )
                )
            )
        file.mux(stream.encode(None))


def _write_png(path: Path, frame: np.ndarray) -> None:
    _write_picture(path, av.VideoFrame.from_ndarray(frame, format="rgba"), "png", {})


def _write_exr(path: Path, frame: np.ndarray) -> None:
    value, alpha = frame[..., :3] / 255, frame[..., 3:] / 255
    light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    premultiplied = np.concatenate([light * alpha, alpha], -1).astype(np.float32)
    picture = av.VideoFrame.from_ndarray(premultiplied, format="gbrapf32le")
    _write_picture(path, picture, "exr", {"format": "half", "compression": "zip16"})


_WRITERS = {"png": _write_png, "exr": _write_exr}


def _write_picture(path: Path, picture: av.VideoFrame, codec: str, options: dict[str, str]) -> None:
    context = av.CodecContext.create(codec, "w")
    context.width, context.height, context.pix_fmt = picture.width, picture.height, picture.format.name
    context.time_base, context.options = Fraction(1, 24), options
    path.write_bytes(b"".join(bytes(packet) for packet in [*context.encode(picture), *context.encode(None)]))


def _rate(results: Path) -> Fraction:
    """Frames a second of the plate."""
    with contextlib.ExitStack() as stack:
        return Fraction(_opened(results / PLATE, stack).streams.video[0].average_rate or 0)


def _refuse_strangers(place: Path) -> None:
    """Replace nothing but people's pictures.

    Raises:
        EngineError: a file stands there, or a folder with other things in it.
    """
    remedy = "Choose an empty folder, or a new one, with --out."
    if place.is_file():
        raise EngineError(
            "a file stands in the place of the pictures' folder", where=str(place), remedy=remedy
        )
    strange = [path.name for path in place.glob("*") if not re.fullmatch(_OURS, path.name)]
    if strange:
        problem = f"other things lie where the pictures are to be, such as '{min(strange)}'"
        raise EngineError(problem, where=str(place), remedy=remedy)


def _first_number(results: Path) -> int:
    """The scene's frame that the plate begins at; 1 where no record tells."""
    try:
        record = json.loads((results / RECORD).read_text(encoding="utf-8"))
        return int(record["shot"]["frame_numbers"][0])
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return 1


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
