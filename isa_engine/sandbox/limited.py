"""Asks the decoding process, and believes nothing that it says without looking at it."""

import atexit
import contextlib
import json
import math
import os
import subprocess
import sys
import threading
from collections.abc import Generator
from typing import Any

import numpy as np

from isa_engine.errors import ShotError

# Bytes that decoding may take beside the pixels it returns: enough for a picture of the greatest size,
# several times over.
MEMORY = 2 * 2**30
MAX_PIXELS = 64 * 2**20
# Pixels of the side of a frame that nobody looks at.
_SMALL = 8
_REMEDY = "Export it again: a picture as PNG or JPEG, footage as H.264 in MP4."

_lock = threading.RLock()
# The one that waits for a file; None: none does.
_process: subprocess.Popen | None = None


def decode(encoded: bytes, where: str) -> np.ndarray:
    """Pixels of a foreign picture, as of ``sandbox.media.picture``.

    Raises:
        ShotError: the file cannot be decoded, or not within the limits.
    """
    # One at a time, or several would together take several times the memory.
    with _lock:
        return next(_pictures("picture", {"where": where}, encoded, 1, None))


def footage(
    encoded: bytes, frames: int, size: tuple[int, int], where: str = "background"
) -> Generator[np.ndarray, None, None]:
    """So many frames of foreign footage, as of ``sandbox.media.footage``: each is decoded when it is asked
    for, and the process waits in between.

    Args:
        size: ``(width, height)``.

    Raises:
        ShotError: as of ``decode``; or it is too short.
    """
    parameters = {"frames": frames, "size": size, "where": where}
    return _pictures("footage", parameters, encoded, frames, (size[1], size[0], 3))


def check_footage(encoded: bytes, frames: int, where: str) -> None:
    """Refuse footage that is seen to be of no use to a shot of so many frames without decoding it: nothing
    but its first frame is.

    Raises:
        ShotError: as of ``footage``. One that is too short nevertheless is refused where its end is decoded.
    """
    parameters = {"frames": frames, "size": (_SMALL, _SMALL), "where": where}
    next(_pictures("footage", parameters, encoded, 1, (_SMALL, _SMALL, 3)))


def _pictures(
    kind: str, parameters: dict[str, Any], encoded: bytes, count: int, shape: tuple[int, ...] | None
) -> Generator[np.ndarray, None, None]:
    """
    Args:
        kind: function of ``sandbox.media``.
        parameters: its own; JSON-ready.
        count: of the pictures that it makes.
        shape: of each of them; None: not known before.
    """
    request = {"kind": kind, "parameters": parameters, "bytes": len(encoded), "pictures": count}
    # A frame is held twice on the way.
    request["memory"] = MEMORY + 3 * math.prod(shape or (0,))
    where, process, over = parameters["where"], _taken(), False
    try:
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.write(encoded)
        process.stdin.flush()
        for number in range(count):
            answer, pixels = _answer(process, shape)
            over = pixels is None or number == count - 1
            if over:
                _give_back(process)
            if "error" in answer:
                raise ShotError.of_parts(answer["error"])
            if pixels is None:
                raise ValueError("it died")
            yield pixels
    except (OSError, ValueError, TypeError, KeyError) as error:
        problem = "the file cannot be decoded within the limits"
        raise ShotError(problem, where=where, remedy=_REMEDY) from error
    finally:
        # Half an answer may still be in the pipe: the next file begins with a fresh process.
        if not over:
            _end(process)


def _answer(process: subprocess.Popen, shape: tuple[int, ...] | None) -> tuple[dict, np.ndarray | None]:
    """The next one, with its pixels.

    Raises:
        OSError, ValueError, TypeError: it makes no sense.
    """
    answer = json.loads(process.stdout.readline(4096))
    if "shape" not in answer:
        return answer, None
    found = tuple(map(int, answer["shape"]))
    fits = found == shape or (
        shape is None
        and len(found) == 3
        and found[2] == 3
        and min(found) > 0
        and found[0] * found[1] <= MAX_PIXELS
    )
    content = process.stdout.read(math.prod(found)) if fits else b""
    if not fits or len(content) != math.prod(found):
        raise ValueError(f"pixels of {found}")
    return answer, np.frombuffer(content, np.uint8).reshape(found)


def _taken() -> subprocess.Popen:
    """A process that waits for a file; nobody else has it."""
    global _process
    with _lock:
        process, _process = _process, None
    if process is not None:
        if process.poll() is None:
            return process
        _end(process)
    # No secrets of ours: neither the token nor the signing key's place.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ISA_ENGINE_")}
    command = [sys.executable, "-P", "-m", "isa_engine.sandbox.process"]
    pipe = subprocess.PIPE
    # What a decoder that was taken over says elsewhere, as into the engine's log, nobody reads.
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=environment)


def _give_back(process: subprocess.Popen) -> None:
    """It waits for the next file; only one does."""
    global _process
    with _lock:
        before, _process = _process, process
    if before is not None:
        _end(before)


@atexit.register
def _stop() -> None:
    global _process
    with _lock:
        process, _process = _process, None
    if process is not None:
        _end(process)


def _end(process: subprocess.Popen) -> None:
    process.kill()
    with contextlib.suppress(OSError):
        process.stdin.close()
    process.stdout.close()
    process.wait()
