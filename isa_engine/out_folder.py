"""The folder that results are to go to: whether it can be written, asked before the work that makes them."""

import os
import stat
import tempfile
from pathlib import Path

from isa_engine.errors import EngineError, reason


def why_closed(folder: Path) -> str:
    """Why nothing can be written to a folder, which may have to be made; nothing is. Empty: it can, as far as
    it tells."""
    try:
        whole = folder.absolute()
    except FileNotFoundError:
        return "the current folder is not there any more"
    for place in (whole, *whole.parents):
        try:
            mode = place.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            if place.is_symlink():
                return f"'{place}' is a link to nothing"
            continue
        except OSError as error:
            return reason(error)
        if not stat.S_ISDIR(mode):
            return f"'{place}' is a file"
        if not os.access(place, os.W_OK | os.X_OK):
            return f"'{place}' is read-only"
        # That the name of a folder is too long is not told of one in a folder which is not there.
        for name in whole.relative_to(place).parts:
            try:
                (place / name).stat()
            except FileNotFoundError:
                continue
            except OSError as error:
                return reason(error)
        return ""
    return f"there is no '{whole.anchor}'"


def check_folder(folder: Path) -> None:
    """Of a folder that may have to be made; nothing is.

    Raises:
        EngineError: ``why_closed``.
    """
    if why := why_closed(folder):
        raise _cannot_write(folder, why)


def make_folder(folder: Path) -> None:
    """Make a folder, and those that it is to be in, where they are not there.

    Raises:
        EngineError: it cannot be made, or no file in it.
    """
    check_folder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Some drives let nobody make a file whose permissions say otherwise.
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise _cannot_write(folder, reason(error)) from error


def _cannot_write(folder: Path, why: str) -> EngineError:
    remedy = "Choose a folder that you may write to."
    return EngineError(f"cannot write: {why}", where=str(folder), remedy=remedy)
