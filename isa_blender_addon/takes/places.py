"""Whether two paths are the same place on disk, however each is written.

Save As rewrites "//isa/A" to "//../old/isa/A", a project may be reached through a link, and some file systems
know no capital letters: two paths are compared by what the system says they are, not by their letters.
"""

import os
from collections.abc import Iterable
from pathlib import Path


def identity(path: str | Path) -> object:
    """The same for every way of writing one place. A place that does not exist is known by its path alone."""
    real = os.path.realpath(path)
    try:
        found = os.stat(real)
    except OSError:
        found = None
    # On some network drives every file has the number 0, which would make all of them one.
    return (found.st_dev, found.st_ino) if found and found.st_ino else os.path.normcase(real)


def same(a: str | Path, b: str | Path) -> bool:
    """Whether both are the same file or folder."""
    return identity(a) == identity(b)


class Places:
    """Some files and folders, to be asked what lies in another place."""

    def __init__(self, paths: Iterable[str | Path]):
        real = {Path(os.path.realpath(path)) for path in paths}
        self._known = {identity(place) for path in real for place in (path, *path.parents)}

    def within(self, place: str | Path) -> bool:
        """Whether a place is one of them, or a folder that holds one."""
        return identity(place) in self._known
