"""The process that decodes: started once, it forks for every file, and limits each fork.

usage: python -m isa_engine.sandbox.process

On standard input a line of JSON ``{"kind", "parameters", "bytes", "memory"}`` and so many bytes; on standard
output ``{"shape"}`` and the pixels, ``{"error"}`` with the fields of a ``ShotError``, or ``{"died"}``. Where
there is no fork, it decodes one file and ends.
"""

import io
import json
import os
import signal
import sys
from typing import Any

import av
import numpy as np
from PIL import Image, ImageColor, ImageFile, ImagePalette, MpoImagePlugin, TiffImagePlugin

from isa_engine.errors import ShotError
from isa_engine.sandbox import media
from isa_engine.sandbox.confined import confine, keep_memory_private, limit

CPU_SECONDS = 600
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
        answer = _in_a_fork(request, encoded) if forks else _decoded(request, encoded)
        sys.stdout.buffer.write(answer)
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
    media.footage(movie.getvalue(), 1, (8, 8))


def _in_a_fork(request: dict[str, Any], encoded: bytes) -> bytes:
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
                pipe.write(_decoded(request, encoded))
            os._exit(0)
        except BaseException:
            os._exit(1)
    os.close(writing)
    with open(reading, "rb") as pipe:
        # A child that sends more than it may hold in memory was taken over; it is killed below.
        answer = pipe.read(request["memory"])
    if answer and len(answer) >= request["memory"]:
        os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return answer if status == 0 else _line({"died": status})


def _decoded(request: dict[str, Any], encoded: bytes) -> bytes:
    try:
        pixels = _KINDS[request["kind"]](encoded, **request["parameters"])
    except ShotError as error:
        return _line({"error": [error.problem, error.where, error.remedy]})
    return _line({"shape": pixels.shape}) + pixels.tobytes()


def _line(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer).encode() + b"\n"


if __name__ == "__main__":
    main()
