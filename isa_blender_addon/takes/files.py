"""The files in a take's folder: the add-on's own, and what others have put beside them."""

import contextlib
import math
import os
import shutil
import stat
import tempfile
from pathlib import Path

from isa_engine.client.protocol import RESULTS
from isa_engine.errors import SceneError, reason

from .trash import move_to_trash

FILE, SHOT, PREVIEW, LOG = "take.json", "shot.npz", "preview.png", "log.txt"
# Begins the name of a folder with results on their way.
ARRIVING = ".arriving-"


def own_files(folder: Path) -> list[Path]:
    """What the add-on has put into a take's folder, ``take.json`` last: without it nobody knows the rest."""
    names = [f"{name}{end}" for name in (*RESULTS, PREVIEW, LOG, FILE) for end in (".part", "")]
    found = [file for file in entries(folder) if file.name in names or file.name.startswith(ARRIVING)]
    return sorted(found, key=lambda file: (file.name == FILE, file.name))


def beside(folder: Path) -> list[str]:
    """Names of what others have put into a take's folder, such as people with alpha."""
    own = set(own_files(folder))
    return sorted(file.name for file in entries(folder) if file not in own)


def size(folder: Path) -> int:
    """Bytes of a take's own files."""
    return sum(file.lstat().st_size for file in own_files(folder))


def discard_folder(folder: Path) -> None:
    """Remove a take's files, and its folder where nothing else is in it; a link to a folder stays."""
    if not is_folder(folder):
        return
    with contextlib.suppress(OSError):
        for file in own_files(folder):
            if is_folder(file):
                shutil.rmtree(file)
            else:
                file.unlink(missing_ok=True)
        folder.rmdir()


def move_folder_to_trash(folder: Path) -> None:
    """``discard_folder`` into the system's trash.

    Raises:
        SceneError: its files cannot be moved there; they stay.
    """
    if not beside(folder):
        move_to_trash(folder)
        return
    # With its name, by which it is found in the trash.
    gathered = Path(tempfile.mkdtemp(dir=folder)) / folder.name
    try:
        gathered.mkdir()
        for file in own_files(folder):
            os.rename(file, gathered / file.name)
        move_to_trash(gathered)
    finally:
        for file in entries(gathered):
            os.rename(file, folder / file.name)
        shutil.rmtree(gathered.parent)


def copy_folder(folder: Path, place: Path) -> None:
    """Copy a take whole or not at all, with what others have put beside it; as links where that can be.

    Args:
        place: of the copy; does not exist yet.

    Raises:
        SceneError: it cannot be copied.
    """
    arriving = place.with_name(f"{ARRIVING}{place.name}")
    try:
        shutil.copytree(folder, arriving, copy_function=link_or_copy)
        os.rename(arriving, place)
    except OSError as error:
        shutil.rmtree(arriving, ignore_errors=True)
        raise SceneError(
            "'{take}' cannot be copied to '{folder}': {reason}",
            remedy="It stays where it is.",
            take=folder.name,
            folder=place.parent,
            reason=reason(error),
        ) from error


def link_or_copy(source: str | Path, target: str | Path) -> None:
    """The same file under another name, where the drive can do that; else a copy of it.

    What the add-on writes replaces a file and changes none in place, so the two never change together.
    """
    if not os.path.islink(source):
        with contextlib.suppress(OSError):
            os.link(source, target)
            return
    shutil.copy2(source, target)


def entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def is_folder(path: Path) -> bool:
    """Whether it is a folder itself and no link to one."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def is_file(path: Path, largest: float = math.inf) -> bool:
    """Whether it is a file itself, of so many bytes at most: no link, pipe or device."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size <= largest
