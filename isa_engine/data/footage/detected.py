"""What ``isa-engine track`` has found in a video, read back (``detection.track_file`` writes it)."""

from pathlib import Path

import numpy as np

from isa_engine.body.model.npz_file import NpzFile
from isa_engine.data.footage.tracks import BAD_TRACK, REMEDY, Track, centred_lens, each_person
from isa_engine.data.recordings.unfit import Unfit
from isa_engine.errors import BodyError

DETECTED = "detected.npz"
# Frames a second of a video that does not tell.
_RATE = 25.0


def detected_video(path: Path) -> tuple[tuple[int, int], float]:
    """``(height, width)`` in pixels and frames a second of the video that was searched.

    Raises:
        Unfit: the file is broken.
    """
    try:
        with NpzFile(path, "track", REMEDY) as npz:
            width, height = npz.numbers("size", (2,), np.int64).tolist()
            rate = float(npz.numbers("rate", (), np.float64))
    except BodyError as error:
        raise Unfit(BAD_TRACK, str(error)) from error
    if min(width, height) < 1 or not 0 <= rate < 1e4:
        raise Unfit(BAD_TRACK, f"a video of {width} × {height} pixels and {rate} frames a second")
    return (height, width), rate or _RATE


def read_detected(path: Path, size: tuple[int, int], frames: int | None, fps: float) -> list[Track]:
    """Everybody who was found; a reader of ``track_formats``.

    Args:
        size: ``(height, width)`` of the video in pixels.

    Raises:
        BodyError: the file is broken.
    """
    with NpzFile(path, "track", REMEDY) as npz:
        number = npz.numbers("frame", (None,), np.int64)
        count = len(number)
        person = npz.numbers("id", (count,), np.int64)
        rotations = npz.numbers("rotations", (count, 55, 3), np.float64)
        pelvis = npz.numbers("pelvis", (count, 3), np.float64)
        focal = float(npz.numbers("focal", (), np.float64))
    return each_person(person, number, rotations, pelvis, centred_lens(size, focal * size[1], count))
