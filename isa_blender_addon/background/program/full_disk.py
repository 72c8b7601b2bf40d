"""Files that a full disk has cut short: Blender says nothing of a write that failed."""

import errno
import os
from pathlib import Path

import bpy

# The last chunk with its checksum.
_PNG_END = b"IEND\xaeB\x60\x82"


def check_picture(path: str) -> None:
    """Blender says nothing where the disk is full, and shows what is left of a picture as black.

    Raises:
        OSError: the end of a PNG is not there.
    """
    if not Path(path).read_bytes().endswith(_PNG_END):
        raise cut_short(path)


def check_movie(path: str, frames: int) -> None:
    """The same of a movie, which would be kept for the next takes.

    Raises:
        OSError: it has not all of its frames.
    """
    try:
        found = bpy.data.movieclips.load(path).frame_duration
    except RuntimeError:
        found = 0
    if found != frames:
        raise cut_short(path)


def cut_short(path: str) -> OSError:
    """Blender reports no write that failed, so this says what the system would have said of a full disk."""
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
