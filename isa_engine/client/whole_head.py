"""Heads of answers that come whole or not at all.

``http.client`` takes a head that breaks off for one that ended there: what it did not come to say would seem
never to have been said, and the engine that was cut off a stranger.
"""

import http.client
from typing import BinaryIO


class WholeHead(http.client.HTTPResponse):
    """An answer of http.client's connections.

    Raises:
        RemoteDisconnected: by ``begin``, where the head breaks off, as where nothing comes at all.
    """

    def begin(self) -> None:
        self.fp = _WholeLines(self.fp)
        try:
            super().begin()
        finally:
            # None: the answer has no body, and is closed.
            self.fp = self.fp and self.fp.file


class _WholeLines:
    """Lines of a file, each of which must end; ``readline`` and ``close`` as of files."""

    def __init__(self, file: BinaryIO):
        self.file = file

    def readline(self, limit: int) -> bytes:
        line = self.file.readline(limit)
        if len(line) < limit and not line.endswith(b"\n"):
            raise http.client.RemoteDisconnected("the answer broke off within its head")
        return line

    def close(self) -> None:
        self.file.close()
