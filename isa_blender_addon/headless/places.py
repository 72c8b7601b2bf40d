"""Whether results can be written where they are to go, asked before a frame is read."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from isa_engine.errors import SceneError
from isa_engine.folder_lock import folder_lock


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Have a folder that is there for this process alone, within the block.

    Raises:
        SceneError: another process makes a take in it.
    """
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(folder_lock(folder))
        except BlockingIOError as error:
            remedy = "Wait until that is over, or choose another folder."
            raise SceneError(f"another take is being made in '{folder}'", remedy=remedy) from error
        yield


def check_file(path: Path) -> None:
    """Of a file that is replaced where it is: Blender writes another beside it first.

    Raises:
        SceneError: it or its folder is read-only.
    """
    if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        raise SceneError(f"'{path}' is read-only", remedy="Leave out --in-place, or make it writable.")
