"""Disks: file systems of their own that a test may fill, cut off and copy."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

# The system is told to keep all it can: the journal is committed every ten minutes, and no rename has its
# content written early. So what outlives a power cut is what was flushed.
_KEEPING = "loop,commit=600,noauto_da_alloc"


@contextlib.contextmanager
def image(file: Path, folder: Path, mib: int = 0) -> Iterator[Path]:
    """A file system in a file, mounted.

    Args:
        mib: makes it anew, of this size.
    """
    if mib:
        with file.open("wb") as empty:
            empty.truncate(mib * 2**20)
        _root("mkfs.ext4", "-q", "-F", file)
    with _mounted(folder, "-o", _KEEPING, file):
        yield folder


@contextlib.contextmanager
def small(folder: Path, options: str) -> Iterator[Path]:
    """A small file system in memory, with ``mount``'s options."""
    with _mounted(folder, "-t", "tmpfs", "-o", options, "tmpfs"):
        yield folder


@contextlib.contextmanager
def _mounted(folder: Path, *arguments: str | Path) -> Iterator[None]:
    folder.mkdir(exist_ok=True)
    _root("mount", *arguments, folder)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def _root(*command: str | Path) -> None:
    """Run a command that takes root's rights; the test is skipped where they are missing."""
    done = subprocess.run(command, capture_output=True)
    if done.returncode:
        pytest.skip(f"{command[0]} takes rights that are missing here: {done.stderr.decode().strip()}")
