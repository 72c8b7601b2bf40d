"""What the bytes of a PNG or JPEG tell of it without decoding it."""

import struct
from collections.abc import Iterator

from isa_engine.shot.validation import PICTURE_SIGNATURES

PNG, JPEG = PICTURE_SIGNATURES
# Pixels of the longer side beyond which a picture is scaled down on the way: no model looks closer.
LONGEST = 4096
_JPEG_END = b"\xff\xd9"
# Cameras append some bytes after a JPEG's end.
_JPEG_TRAILER = 2**16
# Phones append a movie of the moment, an MP4, which begins with the size of its first box and this word.
_MOVIE = b"ftyp"
_ORIENTATION = 0x112
# Chunks of a PNG: texts, times, and what cameras tell.
_WORDS = (b"tEXt", b"zTXt", b"iTXt", b"tIME", b"eXIf")


def stored_size(head: bytes) -> tuple[int, int] | None:
    """By the first bytes of a PNG or JPEG."""
    if head.startswith(PNG) and len(head) >= 24:
        return struct.unpack(">II", head[16:24])
    for marker, segment in _segments(head):
        # Start of frame, of any kind of JPEG.
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and len(segment) >= 5:
            height, width = struct.unpack(">HH", segment[1:5])
            return width, height
    return None


def orientation(head: bytes) -> int:
    """EXIF's, 1 to 8, of a JPEG's first bytes; 1, upright, where it tells none."""
    for marker, segment in _segments(head):
        if marker != 0xE1 or not segment.startswith(b"Exif\0\0"):
            continue
        tiff = segment[6:]
        order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
        try:
            (start,) = struct.unpack(f"{order}I", tiff[4:8])
            (count,) = struct.unpack(f"{order}H", tiff[start : start + 2])
            for k in range(count):
                entry = tiff[start + 2 + 12 * k :][:12]
                tag, _kind, _values, value = struct.unpack(f"{order}HHIH", entry[:10])
                if tag == _ORIENTATION and 1 <= value <= 8:
                    return value
        except struct.error:
            break
    return 1


def _segments(head: bytes) -> Iterator[tuple[int, bytes]]:
    """``(marker, content)`` of a JPEG's segments before its pixels."""
    place = 2 if head.startswith(JPEG) else len(head)
    while place + 4 <= len(head) and head[place] == 0xFF:
        marker, length = head[place + 1], struct.unpack(">H", head[place + 2 : place + 4])[0]
        yield marker, head[place + 4 : place + 2 + length]
        place += 2 + length


def without_movie(picture: bytes) -> bytes:
    """A JPEG without the movie that a phone put behind it."""
    start = picture.find(_MOVIE)
    while start >= 4:
        # The word may also stand in the picture's own data.
        if _JPEG_END in picture[max(0, start - _JPEG_TRAILER) : start - 4]:
            return picture[: start - 4]
        start = picture.find(_MOVIE, start + 1)
    return picture


def without_words(picture: bytes) -> bytes:
    """A PNG without what programs say of it beside its pixels.

    Blender writes the date into what it renders, and a picture rendered again would make another shot of the
    same scene. Names of files and places are nobody's business at a remote engine, either.
    """
    if not picture.startswith(PNG):
        return picture
    kept, place = [PNG], len(PNG)
    while place + 12 <= len(picture):
        # Length, kind, content and checksum.
        end = place + 12 + int.from_bytes(picture[place : place + 4], "big")
        if picture[place + 4 : place + 8] not in _WORDS:
            kept.append(picture[place:end])
        place = end
    return b"".join(kept)


def cut_short(picture: bytes) -> bool:
    """Whether a JPEG breaks off, which readers pass over; its pixels never hold the end's mark by chance."""
    return picture.startswith(JPEG) and _JPEG_END not in picture[-_JPEG_TRAILER:]
