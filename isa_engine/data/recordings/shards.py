"""Shards: WebDataset's tar files, written and read by the standard library.

A recording is a run of members ``KEY.ENDING`` with one key, a sample in WebDataset's words. The same
recordings give the same bytes: no times, no owners. Nothing is ever unpacked to disk, and a member is found
where the tar's index said it lies.
"""

import io
import itertools
import re
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from isa_engine.data.recordings.members import MAX_MEMBER
from isa_engine.errors import DataError, reason
from isa_engine.whole_file import whole_file

# A member's place in its shard: first byte and length.
Places = dict[str, tuple[int, int]]
_NAME = re.compile(r"([\w-]+)\.([\w.]+)", re.ASCII)
_EACH = 64


def shard_path(folder: Path, number: int) -> Path:
    """Where the shard of this number lies."""
    return folder / f"{number:06d}.tar"


def shard_paths(folder: Path) -> list[Path]:
    """The shards of a folder, in order.

    Raises:
        DataError: there are none.
    """
    paths = sorted(folder.glob("*.tar"))
    if not paths:
        remedy = "Make some with 'isa-engine synthesize' or 'isa-engine ingest'."
        raise DataError("there are no shards", where=str(folder), remedy=remedy)
    return paths


def write_shard(path: Path, recordings: Iterable[tuple[str, Mapping[str, bytes]]]) -> int:
    """Write a shard whole or not at all.

    Args:
        recordings: key and members of each, consumed as they come.

    Returns:
        The number of recordings; a shard of none is not written.

    Raises:
        DataError: the place cannot be written.
    """
    recordings = iter(recordings)
    first = next(recordings, None)
    if first is None:
        return 0
    count = 0
    try:
        with (
            whole_file(path) as partial,
            tarfile.open(partial, "w", format=tarfile.USTAR_FORMAT) as tar,
        ):
            for key, members in itertools.chain([first], recordings):
                for ending, content in members.items():
                    member = tarfile.TarInfo(f"{key}.{ending}")
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))
                count += 1
    except OSError as error:
        problem = f"the shard cannot be written: {reason(error)}"
        raise DataError(
            problem, where=str(path), remedy="Free some space or choose another folder."
        ) from error
    return count


def write_shards(folder: Path, recordings: Iterable[tuple[str, Mapping[str, bytes]]]) -> None:
    """Write shards of 64 recordings, numbered from zero.

    Raises:
        DataError: the place cannot be written.
    """
    iterator, number = iter(recordings), 0
    while write_shard(shard_path(folder, number), itertools.islice(iterator, _EACH)) == _EACH:
        number += 1


def shard_index(path: Path) -> dict[str, Places]:
    """Where the members of each recording in a shard lie; what is no plain file of one is passed over.

    Raises:
        DataError: the file is no tar, or breaks off within a header.
    """
    recordings: dict[str, Places] = {}
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                name = _NAME.fullmatch(member.name)
                if name and member.isreg() and not member.issparse():
                    recordings.setdefault(name[1], {})[name[2]] = member.offset_data, member.size
    # Header fields that are no numbers or no text end in ValueError.
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise DataError("the shard cannot be read to its end", where=str(path)) from error
    return recordings


def read_member(path: Path, place: tuple[int, int]) -> bytes:
    """One member.

    Raises:
        DataError: it is truncated or too large.
    """
    start, size = place
    if size > MAX_MEMBER:
        raise DataError(f"a member has {size} bytes", where=str(path))
    try:
        with open(path, "rb") as file:
            file.seek(start)
            content = file.read(size)
    except OSError as error:
        raise DataError(f"the shard cannot be read: {error.strerror}", where=str(path)) from error
    if len(content) != size:
        raise DataError("the shard ends within a member", where=str(path))
    return content
