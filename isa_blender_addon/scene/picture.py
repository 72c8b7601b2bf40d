"""Reference pictures, checked where the artist can still choose another."""

from pathlib import Path

import bpy
import imbuf

from isa_engine.errors import SceneError
from isa_engine.shot.validate import PICTURE_SIGNATURES

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
    where = f"reference picture of '{name}'"
    try:
        picture = file.read_bytes()
    except OSError as error:
        problem = f"cannot read '{file}': {error.strerror}"
        raise SceneError(problem, where=where, remedy="Choose another picture in the cast.") from error
    if not picture.startswith(PICTURE_SIGNATURES):
        raise SceneError(f"'{file}' is neither PNG nor JPEG", where=where, remedy="Save it as one of these.")
    if not _decodes(file, picture):
        raise SceneError(f"'{file}' is damaged", where=where, remedy="Export or download it again.")
    return picture


def _decodes(file: Path, picture: bytes) -> bool:
    # Blender's reader fills in what a truncated JPEG lacks; the data itself never holds the end marker.
    if picture.startswith(PICTURE_SIGNATURES[1]) and _JPEG_END not in picture[-_JPEG_TRAILER:]:
        return False
    try:
        imbuf.load(str(file)).free()
    except (ValueError, OSError):
        return False
    return True
