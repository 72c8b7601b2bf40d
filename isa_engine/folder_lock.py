"""A folder that one process has for itself, as long as it lives."""

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger(__name__)


@contextlib.contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Keep other processes from locking a folder within the block, where the system locks folders: Windows
    does not, nor do some file systems over a network.

    Raises:
        BlockingIOError: another process has it.
        OSError: it is not there.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError as error:
            log.info("%s: the folder itself cannot be locked: %s", folder, error.strerror)
        yield
    finally:
        os.close(descriptor)
