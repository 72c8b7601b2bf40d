"""A take that replaces an older one: it is made in a folder within the older one's, and comes out whole.

Until then, and if its job fails, is cancelled or killed, the older take is what it was: plate, shot and note.
Where Blender is killed while the files are exchanged, the next take that is made there brings that to its end
first.
"""

import contextlib
import os
import shutil
from pathlib import Path

from isa_engine.client.protocol import RESULTS
from isa_engine.errors import SceneError, reason
from isa_engine.results.exchange import exchange, finish

from .files import ARRIVING, FILE, LOG, PREVIEW, SHOT, discard_folder, entries

# Every take counts it among its own files.
_WITHIN = f"{ARRIVING}take"
# What of a take replaces what of the older one.
_EXCHANGED = (*RESULTS, PREVIEW, LOG)


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
    ``take.json``, which its keeper writes. What the new take need not have and lacks goes: the older one's
    would tell of another picture.

    Raises:
        SceneError: a file cannot be replaced; both takes are what they were.
    """
    files = {name: within / name for name in _EXCHANGED if (within / name).is_file()}
    try:
        exchange(files, folder, _EXCHANGED)
    except OSError as error:
        problem = "the older take in '{folder}' cannot be replaced: {reason}"
        remedy = "The new one is kept in '{within}'."
        raise SceneError(
            problem, remedy=remedy, folder=folder, reason=reason(error), within=within
        ) from error


def _finish(folder: Path) -> None:
    """Bring an exchange to its end in whose midst Blender was killed: the new take was whole.

    Raises:
        SceneError: a file cannot be replaced; all are where they were.
    """
    try:
        if finish(folder, _EXCHANGED):
            # The note as well: its keeper has gone.
            for within in entries(folder / _WITHIN):
                if (within / FILE).is_file():
                    os.replace(within / FILE, folder / FILE)
    except OSError as error:
        problem = "the older take in '{folder}' cannot be replaced: {reason}"
        remedy = "Close what shows it, and generate again."
        raise SceneError(problem, remedy=remedy, folder=folder, reason=reason(error)) from error


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
