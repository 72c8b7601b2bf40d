"""Reference pictures, checked where the artist can still choose another."""

import struct
from functools import lru_cache
from pathlib import Path

import bpy
import imbuf

from isa_engine.errors import SceneError
from isa_engine.shot.validation import PICTURE_SIGNATURES

_JPEG_END = b"\xff\xd9"
# Cameras append some bytes after a JPEG's end.
_JPEG_TRAILER = 2**16


def read_picture(path: str | Path, name: str) -> bytes:
    """The encoded picture, known to decode.

    Args:
        path: "//" starts one relative to the blend file.
        name: the character whose reference it is.

    Raises:
        SceneError: the file is missing, damaged, or neither PNG nor JPEG.
    """
    file = Path(bpy.path.abspath(str(path)))
    where = "reference picture of '{name}'"
    try:
        picture = file.read_bytes()
    except OSError as error:
        raise SceneError(
            "cannot read '{file}': {reason}",
            where=where,
            remedy="Choose another picture in the cast.",
            name=name,
            file=file,
            reason=error.strerror,
        ) from error
    if not picture.startswith(PICTURE_SIGNATURES):
        problem, remedy = "'{file}' is neither PNG nor JPEG", "Save it as one of these."
        raise SceneError(problem, where=where, remedy=remedy, name=name, file=file)
    if not _decodes(file, picture):
        problem, remedy = "'{file}' is damaged", "Export or download it again."
        raise SceneError(problem, where=where, remedy=remedy, name=name, file=file)
    return picture


def changed(path: str | Path) -> tuple[str, int]:
    """A picture's path, and a number that changes with the file; 0 where there is none."""
    try:
        return str(path), Path(bpy.path.abspath(str(path))).stat().st_mtime_ns
    except OSError:
        return str(path), 0


def picture_size(path: str | Path) -> tuple[int, int] | None:
    """Width and height in pixels as the file's head tells, read once; None where it is no such picture."""
    file = Path(bpy.path.abspath(str(path)))
    try:
        return _size(str(file), file.stat().st_mtime_ns)
    except OSError:
        return None


@lru_cache(maxsize=64)
def _size(path: str, _changed: int) -> tuple[int, int] | None:
    with open(path, "rb") as file:
        head = file.read(2**17)
    if head.startswith(PICTURE_SIGNATURES[0]) and len(head) >= 24:
        return struct.unpack(">II", head[16:24])
    if not head.startswith(PICTURE_SIGNATURES[1]):
        return None
    place = 2
    while place + 9 <= len(head) and head[place] == 0xFF:
        marker, length = head[place + 1], struct.unpack(">H", head[place + 2 : place + 4])[0]
        # Start of frame, of any kind of JPEG.
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", head[place + 5 : place + 9])
            return width, height
        place += 2 + length
    return None


def _decodes(file: Path, picture: bytes) -> bool:
    # Blender's reader fills in what a truncated JPEG lacks; the data itself never holds the end marker.
    if picture.startswith(PICTURE_SIGNATURES[1]) and _JPEG_END not in picture[-_JPEG_TRAILER:]:
        return False
    try:
        imbuf.load(str(file)).free()
    except (ValueError, OSError):
        return False
    return True
