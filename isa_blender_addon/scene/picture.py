"""Reference pictures as the engine takes them, checked where the artist can still choose another.

PNG and JPEG go as they are, but for what is written into a PNG beside its pixels. What Blender can open and
the engine cannot (WebP, TIFF, OpenEXR and others) is decoded by Blender and goes as PNG; so does what is
larger than any model looks at.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

import bpy
import imbuf
import numpy as np

from isa_engine.errors import SceneError
from isa_engine.shot.validation import MAX_ASPECT, PICTURE_SIGNATURES

from ..language.translation import reported
from .picture_bytes import (
    JPEG,
    LONGEST,
    cut_short,
    orientation,
    stored_size,
    whole_png,
    without_movie,
    without_words,
)

# Turns and mirrors that EXIF's orientations 2 to 8 ask for, of an array (rows from the top, columns).
_UPRIGHT = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: pixels[::-1].swapaxes(0, 1),
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: lambda pixels: pixels[:, ::-1].swapaxes(0, 1),
}


def read_picture(path: str | Path, name: str) -> bytes:
    """The encoded picture, PNG or JPEG, known to decode, its longer side at most ``LONGEST``.

    Args:
        path: "//" starts one relative to the blend file, in which it may also be packed.
        name: the character whose reference it is.

    Raises:
        SceneError: the file is missing, damaged, no picture that Blender can open, or a long strip.
    """
    file = Path(bpy.path.abspath(str(path)))
    picture = _content(file, name)
    size = picture_size(path)
    if size is not None and max(size) > MAX_ASPECT * min(size):
        raise SceneError(
            "'{file}' of {width} × {height} pixels is too long for the engine",
            where="reference picture of '{name}'",
            remedy="Crop it around the people in it.",
            name=name,
            file=file,
            width=size[0],
            height=size[1],
        )
    if picture.startswith(PICTURE_SIGNATURES):
        picture = without_words(without_movie(picture) if picture.startswith(JPEG) else picture)
        size = stored_size(picture)
        if size is not None and max(size) <= LONGEST:
            if not _decodes(file, picture):
                _refuse_damaged(file, name)
            return picture
    return _through_blender(file, picture, name)


def changed(path: str | Path) -> tuple[str, int]:
    """A picture's path, and a number that changes with the file; 0 where there is none."""
    try:
        return str(path), Path(bpy.path.abspath(str(path))).stat().st_mtime_ns
    except OSError:
        return str(path), 0


def same_picture(path: str | Path, other: str | Path) -> bool:
    """Whether two paths lead to one file, there or not; "//" starts one relative to the blend file."""
    one, two = (os.path.realpath(bpy.path.abspath(str(each))) for each in (path, other))
    return one == two


def picture_size(path: str | Path) -> tuple[int, int] | None:
    """Width and height in pixels as it is stored, read once; None where it is no picture."""
    file = Path(bpy.path.abspath(str(path)))
    try:
        return _size(str(file), file.stat().st_mtime_ns)
    except OSError:
        packed = _packed(file)
        return stored_size(packed) if packed else None


def stored_turned(path: str | Path) -> int:
    """EXIF's orientation, 1 to 8: other programs turn a picture by it, and Blender does not."""
    file = Path(bpy.path.abspath(str(path)))
    try:
        return _turned(str(file), file.stat().st_mtime_ns)
    except OSError:
        return orientation(_packed(file) or b"")


def upright_place(path: str | Path) -> Path:
    """Beside a picture, for the same picture set upright."""
    file = Path(bpy.path.abspath(str(path)))
    return file.with_name(f"{file.stem}-upright.png")


def write_upright(path: str | Path, target: Path) -> None:
    """Write a picture that is stored turned the way other programs show it, as PNG.

    Raises:
        SceneError: it cannot be read, or the place cannot be written.
    """
    file = Path(bpy.path.abspath(str(path)))
    with _shown(file, _content(file, file.name), file.name) as image:
        # Blender's rows begin at the bottom.
        upright = _UPRIGHT[stored_turned(path)](_pixels(image)[::-1])[::-1]
        turned = bpy.data.images.new(target.stem, upright.shape[1], upright.shape[0], alpha=True)
        try:
            turned.pixels.foreach_set(np.ascontiguousarray(upright).ravel())
            save_picture(turned, target)
        finally:
            bpy.data.images.remove(turned)


def _content(file: Path, name: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        packed = _packed(file)
        if packed:
            return packed
        raise SceneError(
            "cannot read '{file}': {reason}",
            where="reference picture of '{name}'",
            remedy="Choose another picture in the cast.",
            name=name,
            file=file,
            reason=error.strerror,
        ) from error


def _packed(file: Path) -> bytes | None:
    """The picture's bytes, where it is packed into the blend file."""
    for image in bpy.data.images:
        if image.packed_file and Path(bpy.path.abspath(image.filepath, library=image.library)) == file:
            return bytes(image.packed_file.data)
    return None


def _through_blender(file: Path, picture: bytes, name: str) -> bytes:
    """The picture as Blender opens it, as PNG, scaled down to ``LONGEST``."""
    with TemporaryDirectory() as folder, _shown(file, picture, name) as image:
        width, height = image.size
        shrink = min(1.0, LONGEST / max(width, height))
        if shrink < 1:
            image.scale(max(1, round(width * shrink)), max(1, round(height * shrink)))
        target = Path(folder) / "picture.png"
        save_picture(image, target)
        return without_words(target.read_bytes())


@contextmanager
def _shown(file: Path, picture: bytes, name: str) -> Iterator[Any]:
    """An image of its own, of a file or of what is packed in its place."""
    with TemporaryDirectory() as folder:
        if not file.is_file():
            file = Path(folder) / file.name
            _unpack(picture, file)
        image = _opened(file, name)
        try:
            yield image
        finally:
            bpy.data.images.remove(image)


def _unpack(picture: bytes, file: Path) -> None:
    try:
        file.write_bytes(picture)
    except OSError as error:
        raise SceneError(
            "cannot unpack '{file}': {reason}",
            remedy="Free some space in {folder}.",
            file=file.name,
            reason=error.strerror,
            folder=gettempdir(),
        ) from error


def _opened(file: Path, name: str):
    """An image of its own, to be removed again."""
    try:
        image = bpy.data.images.load(str(file))
    except RuntimeError:
        _refuse_damaged(file, name)
    # Of movies in the guise of pictures, such as an animated WebP, Blender makes a glass pane.
    if 0 in image.size[:] or not _pixels(image)[..., 3].any():
        bpy.data.images.remove(image)
        _refuse_damaged(file, name)
    return image


def _pixels(image) -> np.ndarray:
    """``(rows from the bottom, columns, 4)`` float32."""
    width, height = image.size
    pixels = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(pixels)
    return pixels.reshape(height, width, 4)


def save_picture(image, target: Path) -> None:
    """Write an image of the file as PNG.

    Raises:
        SceneError: the place cannot be written.
    """
    # Looking at the format has Blender 4.2 read the picture: until then it forgets what it is told of it.
    if image.file_format != "PNG":
        image.file_format = "PNG"
    with written_by_blender(target):
        image.save(filepath=str(target))


@contextmanager
def written_by_blender(target: Path) -> Iterator[None]:
    """Nothing is left at a place where Blender cannot write a whole PNG.

    Raises:
        SceneError: it cannot.
    """
    try:
        yield
        # On a full disk most calls of Blender's leave out the rest and say nothing.
        if target.is_file() and whole_png(target.read_bytes()):
            return
        problem, reason = "cannot write '{file}' whole", ""
    except RuntimeError as error:
        problem, reason = "cannot write '{file}': {reason}", reported(error)
    target.unlink(missing_ok=True)
    remedy = "Free some space, or save the file in another folder."
    raise SceneError(problem, remedy=remedy, file=target, reason=reason)


def _refuse_damaged(file: Path, name: str):
    raise SceneError(
        "'{file}' is damaged, or no picture that Blender can open",
        where="reference picture of '{name}'",
        remedy="Export or download it again, as PNG or JPEG.",
        name=name,
        file=file,
    )


@lru_cache(maxsize=64)
def _size(path: str, _changed: int) -> tuple[int, int] | None:
    with open(path, "rb") as file:
        head = file.read(2**17)
    if head.startswith(PICTURE_SIGNATURES):
        return stored_size(head)
    try:
        opened = imbuf.load(path)
    except (ValueError, OSError):
        return None
    size = tuple(opened.size)
    opened.free()
    return size


@lru_cache(maxsize=64)
def _turned(path: str, _changed: int) -> int:
    # The words may stand at the end.
    return orientation(Path(path).read_bytes())


def _decodes(file: Path, picture: bytes) -> bool:
    if cut_short(picture):
        return False
    if not file.is_file():
        return True
    try:
        imbuf.load(str(file)).free()
    except (ValueError, OSError):
        return False
    return True
