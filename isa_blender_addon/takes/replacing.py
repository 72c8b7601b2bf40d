"""A take that replaces an older one: it is made in a folder within the older one's, and comes out whole.

Until then, and if its job fails, is cancelled or killed, the older take is what it was: plate, shot and note.
Who is killed while the files are exchanged, one after the other, leaves a part of each take; the next one
that is made there brings the exchange to its end first.
"""

import contextlib
import filecmp
import os
import shutil
from pathlib import Path

from isa_engine.client.protocol import RESULTS
from isa_engine.errors import SceneError, reason

from .files import ARRIVING, FILE, LOG, PREVIEW, SHOT, discard_folder, entries, is_folder, link_or_copy

# Every take counts it among its own files.
_WITHIN = f"{ARRIVING}take"
# In that: the older take's files, whole before the first of them is exchanged.
_OLDER = f"{ARRIVING}older"


def begin_within(folder: Path) -> Path:
    """Make the folder in which a take is made that replaces what is in ``folder``; it has the same name, by
    which engines know the job. What a job left there that was killed goes; a whole take comes out first.

    Raises:
        SceneError: it cannot be made, or what is there cannot come out.
    """
    _finish(folder)
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
    names = _names_in(within)
    older, placed = within.parent / _OLDER, []
    gathered = older.with_name(f"{_OLDER}.part")
    try:
        gathered.mkdir()
        # A new take need not have all, and the older one's preview would tell of another picture.
        for name in {*names, PREVIEW, LOG}:
            if (folder / name).is_file():
                link_or_copy(folder / name, gathered / name)
        os.rename(gathered, older)
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
        for each in (gathered, older):
            shutil.rmtree(each, ignore_errors=True)


def _names_in(within: Path) -> list[str]:
    """The files of a take that replace those of an older one."""
    return [name for name in (*RESULTS, PREVIEW, LOG) if (within / name).is_file()]


def _finish(folder: Path) -> None:
    """Bring an exchange to its end in whose midst Blender was killed: the new take was whole.

    Raises:
        SceneError: a file cannot be replaced; all are where they were.
    """
    older = folder / _WITHIN / _OLDER
    if not is_folder(older):
        return
    try:
        for name in (PREVIEW, LOG):
            # Those that are still the older one's: the new take's come now, or it has none.
            kept, now = older / name, folder / name
            if kept.is_file() and now.is_file() and filecmp.cmp(kept, now, shallow=False):
                now.unlink()
        for within in entries(older.parent):
            # The note as well: its keeper has gone.
            for name in (*_names_in(within), FILE) if within != older else ():
                if (within / name).is_file():
                    os.replace(within / name, folder / name)
    except OSError as error:
        problem = "the take in '{folder}' cannot be put together: {reason}"
        remedy = "What is missing of it is in '{within}'."
        raise SceneError(
            problem, remedy=remedy, folder=folder, reason=reason(error), within=older.parent
        ) from error


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
