"""What the bytes of a picture tell of it without decoding it."""

import struct
from collections.abc import Iterator

from isa_engine.shot.validation import PICTURE_SIGNATURES

PNG, JPEG = PICTURE_SIGNATURES
# Pixels of the longer side beyond which a picture is scaled down on the way: no model looks closer.
LONGEST = 4096
_JPEG_END = b"\xff\xd9"
# The last chunk's name and checksum.
_PNG_END = b"IEND\xaeB`\x82"
# Cameras append some bytes after a JPEG's end.
_JPEG_TRAILER = 2**16
# Phones append a movie of the moment, an MP4, which begins with the size of its first box and this word.
_MOVIE = b"ftyp"
_ORIENTATION = 0x112
_EXIF, _TIFF = b"Exif\0\0", (b"II*\0", b"MM\0*")
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


def orientation(picture: bytes) -> int:
    """EXIF's, 1 to 8, of a JPEG, PNG, WebP or TIFF; 1, upright, where it tells none."""
    tiff = _exif(picture)
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack(f"{order}I", tiff[4:8])
        (count,) = struct.unpack(f"{order}H", tiff[start : start + 2])
        for k in range(count):
            entry = tiff[start + 2 + 12 * k :][:12]
            tag, _kind, _values, value = struct.unpack(f"{order}HHIH", entry[:10])
            if tag == _ORIENTATION and 1 <= value <= 8:
                return value
    except struct.error:
        pass
    return 1


def _exif(picture: bytes) -> bytes:
    """What cameras tell, in the form of a TIFF; empty where there is none."""
    if picture.startswith(_TIFF):
        return picture
    found: Iterator[bytes] = iter(())
    if picture.startswith(PNG):
        found = (picture[start + 8 : end - 4] for kind, start, end in _chunks(picture) if kind == b"eXIf")
    elif picture.startswith(JPEG):
        found = (segment for marker, segment in _segments(picture) if marker == 0xE1)
        found = (segment for segment in found if segment.startswith(_EXIF))
    elif picture.startswith(b"RIFF") and picture[8:12] == b"WEBP":
        found = (content for kind, content in _riff(picture) if kind == b"EXIF")
    return next(found, b"").removeprefix(_EXIF)


def _chunks(png: bytes) -> Iterator[tuple[bytes, int, int]]:
    """``(kind, start, end)`` of a PNG's chunks: length, kind, content and checksum."""
    place = len(PNG)
    while place + 12 <= len(png):
        end = place + 12 + int.from_bytes(png[place : place + 4], "big")
        yield png[place + 4 : place + 8], place, end
        place = end


def _riff(webp: bytes) -> Iterator[tuple[bytes, bytes]]:
    """``(kind, content)`` of a WebP's chunks."""
    place = 12
    while place + 8 <= len(webp):
        length = int.from_bytes(webp[place + 4 : place + 8], "little")
        yield webp[place : place + 4], webp[place + 8 : place + 8 + length]
        place += 8 + length + length % 2


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
    kept = (picture[start:end] for kind, start, end in _chunks(picture) if kind not in _WORDS)
    return PNG + b"".join(kept)


def whole_png(picture: bytes) -> bool:
    """Whether a PNG that Blender wrote has its end: where the disk is full, Blender leaves out the rest."""
    return picture.startswith(PNG) and picture.endswith(_PNG_END)


def cut_short(picture: bytes) -> bool:
    """Whether a JPEG breaks off, which readers pass over; its pixels never hold the end's mark by chance."""
    return picture.startswith(JPEG) and _JPEG_END not in picture[-_JPEG_TRAILER:]
