"""A shot file's archive, read as if whoever wrote it meant harm: no member can make this allocate more than
it declares, and no archive declare more than it may.
"""

import math
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import numpy as np

from isa_engine.errors import ShotError
from isa_engine.shot.validation import MAX_CHARACTERS, MAX_REFERENCES

# The largest file that is opened, and the largest sum of its members by default.
MAX_BYTES = 2 * 2**30
_MAX_DIRECTORY_BYTES = 2**16
# The one form in which numpy writes the header of a plain array in C order. It is matched and never
# evaluated.
_NPY_HEADER = re.compile(rb"{'descr': '(.{3})', 'fortran_order': False, 'shape': \(([\d, ]{0,40})\), } *\n")
# What zipfile raises if an archive is not what it says.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)


@contextmanager
def members_of(file: BinaryIO, where: str, most: int) -> Iterator["Members"]:
    """The members of a file, while it is open.

    Args:
        where: the file, for errors.
        most: bytes that all members may declare together.

    Raises:
        ShotError: the file is no whole archive, found here or when a member is read; or it is too large.
    """
    try:
        _check_directory(file, where)
        with zipfile.ZipFile(file) as archive:
            yield Members(archive, where, most)
    except _BROKEN as error:
        remedy = "Write it again; the file is truncated or not a shot."
        raise ShotError("the file is not a whole shot", where=where, remedy=remedy) from error


class Members:
    """The arrays of an archive, each of which is checked against what it declares before it is read.

    Attributes:
        infos: what the archive says of each member, by its name with ``.npy``.
    """

    def __init__(self, archive: zipfile.ZipFile, where: str, most: int):
        self.archive, self.where = archive, where
        infos = archive.infolist()
        if len(infos) > 10 + 6 * MAX_CHARACTERS + MAX_REFERENCES:
            raise ShotError(f"{len(infos)} members are too many for a shot", where=where)
        self.infos = {info.filename: info for info in infos}
        if len(self.infos) < len(infos):
            raise ShotError("two members have the same name", where=where)
        total = sum(info.file_size for info in infos)
        if total > most:
            remedy = "Shorten the take, or lower its Detail or Plate Scale."
            raise ShotError(f"{total} bytes are more than the limit of {most}", where=where, remedy=remedy)

    def array(self, name: str, dtype: type, shape: tuple[int | None, ...]) -> np.ndarray:
        """One member.

        Args:
            name: without ``.npy``.
            dtype, shape: that it must have; None in a place of the shape: any length.

        Raises:
            ShotError: it is missing, truncated, of another type or shape, or declares more than it holds.
        """
        where = f"{self.where}, field '{name}'"
        info = self.infos.get(f"{name}.npy")
        if info is None:
            raise ShotError("the field is missing", where=where)
        # Decoders of other methods allocate as much memory as the stream tells them to.
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ShotError("the field is not stored or deflated", where=where)
        with self.archive.open(info) as stream:
            found_shape, found_type = _npy_header(stream, where)
            fits = len(found_shape) == len(shape) and all(
                expected in (None, n) for n, expected in zip(found_shape, shape, strict=True)
            )
            if found_type != repr(np.dtype(dtype).str) or not fits:
                raise ShotError(f"type {found_type} of shape {found_shape} does not fit", where=where)
            size = math.prod(found_shape) * np.dtype(dtype).itemsize
            if size > info.file_size:
                raise ShotError("the field declares more than it holds", where=where)
            content = stream.read(size)
        if len(content) != size:
            raise ShotError("the field is truncated", where=where, remedy="Write the shot again.")
        return np.frombuffer(content, dtype).reshape(found_shape)


def _check_directory(file: BinaryIO, where: str) -> None:
    """Refuse an archive whose directory is larger than a shot's can be: zipfile would read it whole."""
    size = file.seek(0, os.SEEK_END)
    if size > MAX_BYTES:
        raise ShotError(f"{size} bytes are more than the limit of {MAX_BYTES}", where=where)
    file.seek(max(0, size - 42))
    tail = file.read()
    locator64, end = tail[:-22], tail[-22:]
    if end[:4] != b"PK\5\6" or end[-2:] != b"\0\0" or locator64[:4] == b"PK\6\7":
        raise zipfile.BadZipFile
    directory = int.from_bytes(end[12:16], "little")
    if directory > _MAX_DIRECTORY_BYTES:
        raise ShotError(f"a directory of {directory} bytes is too large for a shot", where=where)


def _npy_header(stream: BinaryIO, where: str) -> tuple[tuple[int, ...], str]:
    """Shape and type of a member, from a header of version 1.0, whose length two bytes bound."""
    magic = stream.read(10)
    header = stream.read(int.from_bytes(magic[8:], "little"))
    match = _NPY_HEADER.fullmatch(header) if magic[:8] == b"\x93NUMPY\x01\x00" else None
    if match is None:
        raise ShotError("the field is not an array of the kind a shot uses", where=where)
    kind, shape = match.groups()
    return tuple(map(int, re.findall(rb"\d+", shape))), ascii(kind.decode("latin-1"))
