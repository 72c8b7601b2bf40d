"""Files between here and an engine: results and previews that come, shots that go."""

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import requests

from isa_engine.client.answers import digest_of
from isa_engine.client.connection import Connection, EngineUnreachable
from isa_engine.errors import EngineError
from isa_engine.whole_file import whole_file

# How often a download is begun or continued, and gets no further, before it is given up; seconds in between.
ATTEMPTS, PAUSE_SECONDS = 3, 0.5
# Bytes of a result or a preview, at most.
MAX_FILE = 2**40
_CHUNK = 2**18
# Bytes that a download comes further by at least: one each time would go on for ever.
_FURTHER = 2**16


class Damaged(Exception):
    """A file that came is not what its checksum says."""


class Upload:
    """A request's body that reports how much of it is sent; each time it is sent it begins anew.

    Args:
        content: the bytes.
        sent: called with the number of bytes sent so far.
    """

    def __init__(self, content: bytes, sent: Callable[[int], None]):
        self.content, self.sent = content, sent

    def __len__(self) -> int:
        return len(self.content)

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self.content), _CHUNK):
            chunk = self.content[start : start + _CHUNK]
            yield chunk
            self.sent(start + len(chunk))


def save(
    connection: Connection,
    route: str,
    path: Path,
    checked: bool,
    stopped: Callable[[], bool] | None = None,
) -> None:
    """Save an answer that is a file, whole or not at all.

    Args:
        checked: whether the engine gives a checksum, which the file must have.
        stopped: whether nobody waits for it any more; looked at several times a second, also while nothing
            comes.

    Raises:
        Cancelled: nobody does.
        Damaged: it has another checksum.
        EngineError: it cannot be written, or the engine does not give it.
    """
    try:
        with whole_file(path) as unfinished, open(unfinished, "wb+") as file:
            digest = _receive(connection, route, file, path.name, checked, stopped)
            file.seek(0)
            if checked and hashlib.file_digest(file, "sha256").digest() != digest:
                raise Damaged
    except OSError as error:
        remedy = "Free some space or choose another folder."
        problem = f"cannot write {path.name}: {error.strerror}"
        raise EngineError(problem, where=str(path.parent), remedy=remedy) from error


def _receive(
    connection: Connection,
    route: str,
    file: BinaryIO,
    name: str,
    checked: bool,
    stopped: Callable[[], bool] | None,
) -> bytes:
    """Write an answer to a file and return its SHA-256 as the engine gives it; empty unless ``checked``.

    A download that breaks off is continued where it stopped, as long as it is still the same file. However
    often it breaks off, it comes to its end if each time it gets further.
    """
    tag, left, reached, begun = "", ATTEMPTS, 0, False
    while True:
        asked = file.tell() if tag else 0
        headers = {"Range": f"bytes={asked}-", "If-Range": tag} if asked else {}
        try:
            with contextlib.closing(connection.stream(route, headers, stopped)) as response:
                offset = _offset(connection, response, asked)
                file.seek(offset)
                file.truncate()
                tag = response.headers.get("ETag", "")
                digest, length = _announced(connection, response, checked)
                begun = True
                for chunk in connection.chunks(response, length, stopped):
                    file.write(chunk)
                if (came := file.tell() - offset) == length:
                    return digest
                problem = f"only {came} of {length} bytes of {name} came"
                raise EngineUnreachable(problem, where=connection.url)
        except EngineUnreachable:
            further = file.tell() >= reached + _FURTHER
            left, reached = (ATTEMPTS, file.tell()) if further else (left - 1, reached)
            if not left or not begun:
                raise
            time.sleep(PAUSE_SECONDS)


def _announced(connection: Connection, response: requests.Response, checked: bool) -> tuple[bytes, int]:
    """The SHA-256 of a whole file, empty unless ``checked``, and how many bytes of it come."""
    digest = connection.reading(digest_of, response.headers.get("Repr-Digest")) if checked else b""
    length = connection.reading(int, response.headers.get("Content-Length"))
    if not 0 <= length <= MAX_FILE:
        raise connection.stranger()
    return digest, length


def _offset(connection: Connection, response: requests.Response, asked: int) -> int:
    """Where in the file the bytes of an answer begin: where they were asked for, or at 0 if all comes."""
    if response.status_code != 206:
        return 0
    start = f"bytes {asked}-"
    if not asked or not response.headers.get("Content-Range", start).startswith(start):
        raise connection.stranger()
    return asked
