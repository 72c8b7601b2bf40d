"""A take that replaces an older one: it is made in a folder within the older one's, and comes out whole.

Until then, and if its job fails, is cancelled or killed, the older take is what it was: plate, shot and note.
"""

import contextlib
import os
import shutil
from pathlib import Path

from isa_engine.client.protocol import RESULTS
from isa_engine.errors import SceneError, reason

from .files import ARRIVING, LOG, PREVIEW, SHOT, discard_folder, entries, link_or_copy

# Every take counts it among its own files.
_WITHIN = f"{ARRIVING}take"


def begin_within(folder: Path) -> Path:
    """Make the folder in which a take is made that replaces what is in ``folder``; it has the same name, by
    which engines know the job. What a job left there that was killed goes.

    Raises:
        SceneError: it cannot be made.
    """
    within = folder / _WITHIN / folder.name
    shutil.rmtree(within.parent, ignore_errors=True)
    try:
        within.mkdir(parents=True)
    except OSError as error:
        problem = "the output folder '{folder}' cannot be written: {reason}"
        raise SceneError(problem, folder=folder, reason=reason(error)) from error
    return within


def replaced_by(within: Path) -> Path | None:
    """The folder whose take is replaced by that in a folder of ``begin_within``; None: it is of no such."""
    return within.parent.parent if within.parent.name == _WITHIN else None


def put_in_place(within: Path, folder: Path) -> None:
    """Let the files of a whole take, which are all on disk, replace those of the older one; all but
    ``take.json``, which its keeper writes.

    Raises:
        SceneError: a file cannot be replaced; both takes are what they were.
    """
    names = [name for name in (*RESULTS, PREVIEW, LOG) if (within / name).is_file()]
    older, placed = within.parent / f"{ARRIVING}older", []
    try:
        older.mkdir()
        # A new take need not have all, and the older one's preview would tell of another picture.
        for name in {*names, PREVIEW, LOG}:
            if (folder / name).is_file():
                link_or_copy(folder / name, older / name)
        for name in names:
            os.replace(within / name, folder / name)
            placed.append(name)
        for name in {PREVIEW, LOG} - {*names}:
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        # On some systems nothing replaces a file that is open.
        for name in placed:
            os.replace(folder / name, within / name)
        for file in entries(older):
            os.replace(file, folder / file.name)
        problem = "the older take in '{folder}' cannot be replaced: {reason}"
        remedy = "The new one is kept in '{within}'."
        raise SceneError(
            problem, remedy=remedy, folder=folder, reason=reason(error), within=within
        ) from error
    finally:
        shutil.rmtree(older, ignore_errors=True)


def leave_within(within: Path) -> None:
    """Remove what is left of a take that is in place, or is not made any more; a failed job's log goes to the
    older take's folder, where it is looked for. Results that could not be put in place stay.
    """
    if any((within / name).exists() for name in RESULTS if name != SHOT):
        return
    with contextlib.suppress(OSError):
        os.replace(within / LOG, within.parent.parent / LOG)
    discard_folder(within)
    with contextlib.suppress(OSError):
        within.parent.rmdir()
