"""The process that decodes: started once, it forks for every file, and limits each fork.

usage: python -m isa_engine.sandbox.process

On standard input a line of JSON ``{"kind", "parameters", "bytes", "memory", "pictures"}`` and so many bytes.
On standard output so many times ``{"shape"}`` and the pixels of a picture, no faster than they are read; or,
in place of one, at last ``{"error"}`` with a ``ShotError``'s ``parts``, or ``{"died"}``. Where there is no
fork, it decodes one file and ends.
"""

import io
import itertools
import json
import math
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

import av
import numpy as np
from PIL import Image, ImageColor, ImageFile, ImagePalette, MpoImagePlugin, TiffImagePlugin

from isa_engine.errors import ShotError
from isa_engine.sandbox import media
from isa_engine.sandbox.confined import confine, keep_memory_private, limit

CPU_SECONDS = 600
# The most bytes of a line.
_LINE = 4096
# What Pillow imports late, such as for a camera's EXIF: a limited fork opens no files.
_LATE = (ImageColor, ImageFile, ImagePalette, MpoImagePlugin, TiffImagePlugin)
_KINDS = {"picture": media.picture, "footage": media.footage}


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keep_memory_private()
    warm_up()
    forks = hasattr(os, "fork")
    while line := sys.stdin.buffer.readline():
        request = json.loads(line)
        encoded = sys.stdin.buffer.read(request["bytes"])
        alone = itertools.islice(_decoded(request, encoded), request["pictures"])
        for message in _in_a_fork(request, encoded) if forks else alone:
            sys.stdout.buffer.write(message)
            sys.stdout.buffer.flush()
        if not forks:
            return


def warm_up() -> None:
    """Decode something of ours: a limited fork opens no files, so what decoders load late is loaded here."""
    movie = io.BytesIO()
    frame = np.zeros((16, 16, 3), np.uint8)
    for kind in ("PNG", "JPEG"):
        picture = io.BytesIO()
        Image.fromarray(frame).save(picture, kind)
        media.picture(picture.getvalue(), "")
    with av.open(movie, "w", format="mp4") as file:
        stream = file.add_stream("mpeg4", rate=1)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "yuv420p"
        file.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        file.mux(stream.encode())
    list(media.footage(movie.getvalue(), 1, (8, 8), ""))


def _in_a_fork(request: dict[str, Any], encoded: bytes) -> Iterator[bytes]:
    """The messages of a limited fork, one in memory at a time."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            # It has the one pipe: neither its parent's answers nor the next file are within its reach.
            for descriptor in (reading, 0, 1, 2):
                os.close(descriptor)
            limit(request["memory"], CPU_SECONDS)
            confine()
            with open(writing, "wb", closefd=False) as pipe:
                for message in _decoded(request, encoded):
                    pipe.write(message)
            os._exit(0)
        except BaseException:
            os._exit(1)
    os.close(writing)
    whole = False
    with open(reading, "rb") as pipe:
        for _ in range(request["pictures"]):
            message, whole = _message(pipe, request["memory"])
            if message:
                yield message
            if not message or whole:
                break
        else:
            whole = True
    # Whoever has said all and goes on, or says what makes no sense, was taken over.
    os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if not whole:
        yield _line({"died": status})


def _message(pipe: BinaryIO, most: int) -> tuple[bytes, bool]:
    """A fork's next message, and whether it is the last; empty where there is none that is whole, or it is of
    more bytes than the fork may hold."""
    line = pipe.readline(_LINE)
    try:
        answer = json.loads(line)
        if "shape" not in answer:
            return line, True
        count = math.prod(map(int, answer["shape"]))
        pixels = pipe.read(count) if 0 < count < most else b""
    except (ValueError, TypeError):
        return b"", False
    return (line + pixels, False) if pixels and len(pixels) == count else (b"", False)


def _decoded(request: dict[str, Any], encoded: bytes) -> Iterator[bytes]:
    try:
        found = _KINDS[request["kind"]](encoded, **request["parameters"])
        for pixels in [found] if isinstance(found, np.ndarray) else found:
            yield _line({"shape": pixels.shape}) + pixels.tobytes()
    except ShotError as error:
        yield _line({"error": error.parts})


def _line(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer).encode() + b"\n"


if __name__ == "__main__":
    main()
