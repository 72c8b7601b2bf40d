"""Files that are written whole or not at all."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def whole_file(path: Path, shared: bool = False) -> Iterator[Path]:
    """Where to write a file, so that nobody ever finds half of it at ``path``.

    Gives a path beside it. Once the block has ended well and what was written there is on the disk, it takes
    the place of ``path``; if the block fails, what stood at ``path`` stays.

    Args:
        shared: several processes may write this file at the same time, each beside the others.

    Raises:
        OSError: the place cannot be written.
    """
    own = f".{secrets.token_hex(4)}" if shared else ""
    partial = path.with_name(f"{path.name}{own}.part")
    try:
        yield partial
        # Without this a power cut could leave the new name with an empty file.
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
