"""On the disk, and not only on its way there: what outlives a power cut.

The system keeps what a process writes in memory for a while. A file's content is on the disk once the file
was flushed; that it is there under its name, once its folder was.
"""

import os
from pathlib import Path


def flush(path: Path) -> None:
    """Wait until the disk has a file's content, or a folder's names.

    Raises:
        OSError: the disk has no room, or fails.
    """
    folder = path.is_dir()
    if folder and os.name == "nt":
        # Windows opens no folder as a file, and keeps its names with the files.
        return
    descriptor = os.open(path, os.O_RDONLY if folder else os.O_RDWR)
    try:
        os.fsync(descriptor)
        if not folder and hasattr(os, "posix_fadvise"):
            # Out of the system's memory, so that whoever reads it next, such as for a checksum, reads what
            # the disk has.
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def flush_all(folder: Path, names: tuple[str, ...], root: Path) -> None:
    """Flush files of a folder, and every folder from it up to ``root``."""
    for name in names:
        flush(folder / name)
    while True:
        flush(folder)
        if folder == root:
            return
        folder = folder.parent
