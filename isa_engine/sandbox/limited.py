"""Asks the decoding process, and believes nothing that it says without looking at it."""

import atexit
import contextlib
import json
import math
import os
import subprocess
import sys
import threading
from typing import Any

import numpy as np

from isa_engine.errors import ShotError

# Bytes that decoding may take beside the pixels it returns: enough for a picture of the greatest size,
# several times over.
MEMORY = 2 * 2**30
MAX_PIXELS = 64 * 2**20
_REMEDY = "Export it again: a picture as PNG or JPEG, footage as H.264 in MP4."

_lock = threading.Lock()
_process: subprocess.Popen | None = None


def decode(kind: str, encoded: bytes, **parameters: Any) -> np.ndarray:
    """Pixels of a foreign file.

    Args:
        kind: function of ``sandbox.media``.
        parameters: its own; JSON-ready.

    Returns:
        uint8, as of that function.

    Raises:
        ShotError: the file cannot be decoded, or not within the limits.
    """
    where = parameters.get("where", "background")
    expected = None
    if kind == "footage":
        width, height = parameters["size"]
        expected = (parameters["frames"], height, width, 3)
    # The frames of a video are held twice on the way.
    memory = MEMORY + 3 * math.prod(expected or (0,))
    request = {"kind": kind, "parameters": parameters, "bytes": len(encoded), "memory": memory}
    with _lock:
        try:
            answer, pixels = _ask(request, encoded, expected)
        except BaseException:
            # Half an answer may still be in the pipe: the next file begins with a fresh process.
            _stop()
            raise
    if "error" in answer:
        problem, place, remedy = map(str, answer["error"])
        raise ShotError(problem, where=place, remedy=remedy)
    if "died" in answer:
        raise ShotError("the file cannot be decoded within the limits", where=where, remedy=_REMEDY)
    return pixels


def _ask(request: dict, encoded: bytes, expected: tuple[int, ...] | None) -> tuple[dict, np.ndarray | None]:
    process = _running()
    try:
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.write(encoded)
        process.stdin.flush()
        answer = json.loads(process.stdout.readline(4096))
    except (OSError, ValueError):
        _stop()
        return {"died": None}, None
    if "shape" not in answer:
        return answer, None
    shape = tuple(map(int, answer["shape"]))
    fits = shape == expected or (
        expected is None
        and len(shape) == 3
        and shape[2] == 3
        and min(shape) > 0
        and shape[0] * shape[1] <= MAX_PIXELS
    )
    content = process.stdout.read(math.prod(shape)) if fits else b""
    if not fits or len(content) != math.prod(shape):
        _stop()
        return {"died": None}, None
    return answer, np.frombuffer(content, np.uint8).reshape(shape)


def _running() -> subprocess.Popen:
    global _process
    if _process is None or _process.poll() is not None:
        # No secrets of ours: neither the token nor the signing key's place.
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("ISA_ENGINE_")
        }
        command = [sys.executable, "-P", "-m", "isa_engine.sandbox.process"]
        # What a decoder that was taken over says elsewhere, as into the engine's log, nobody reads.
        _process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
    return _process


@atexit.register
def _stop() -> None:
    global _process
    if _process is not None:
        _process.kill()
        with contextlib.suppress(OSError):
            _process.stdin.close()
        _process.stdout.close()
        _process.wait()
        _process = None
