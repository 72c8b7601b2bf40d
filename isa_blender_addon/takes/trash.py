"""The system's trash: what the artist deletes can be had back from there.

Linux has no call for it but a specification, https://specifications.freedesktop.org/trash-spec: the file goes
into ``files``, and a note of where it was into ``info``, of a trash on the same file system.
"""

import contextlib
import ctypes
import os
import stat
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

from isa_engine.errors import SceneError, reason

# macOS has it from version 15 on.
_MAC_TRASH = "/usr/bin/trash"
_WINDOWS_TRASH = (
    "Add-Type -AssemblyName Microsoft.VisualBasic; "
    "[Microsoft.VisualBasic.FileIO.FileSystem]::DeleteDirectory("
    "$env:ISA_TRASH, 'OnlyErrorDialogs', 'SendToRecycleBin')"
)
_FIXED_DRIVE = 3


def has_trash(folder: Path) -> bool:
    """Whether what lies in a folder can go to a trash."""
    if sys.platform == "win32":
        # Windows has no recycle bin for network drives and would delete for good.
        return ctypes.windll.kernel32.GetDriveTypeW(folder.anchor) == _FIXED_DRIVE
    if sys.platform == "darwin":
        return os.path.exists(_MAC_TRASH)
    return _trash_of(folder) is not None


def move_to_trash(folder: Path) -> None:
    """Move a folder to the trash.

    Raises:
        SceneError: it cannot be moved there; it is where it was.
    """
    try:
        if sys.platform == "win32":
            command = ["powershell", "-NoProfile", "-NonInteractive", "-Command", _WINDOWS_TRASH]
            subprocess.run(command, env={**os.environ, "ISA_TRASH": str(folder)}, check=True, timeout=60)
        elif sys.platform == "darwin":
            subprocess.run([_MAC_TRASH, str(folder)], check=True, timeout=60)
        else:
            _put(folder, _trash_of(folder))
    except (OSError, subprocess.SubprocessError) as error:
        raise SceneError(
            "'{folder}' cannot be moved to the trash: {reason}",
            remedy="Delete it in your file browser.",
            folder=folder,
            reason=reason(error),
        ) from error


def _trash_of(folder: Path) -> Path | None:
    """The trash on a folder's file system, the user's or the one at its root; None where none can be used."""
    device = _device(folder)
    home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "Trash"
    if device == _device(home):
        return home
    root = next((place for place in folder.resolve().parents if os.path.ismount(place)), Path("/"))
    shared, own = root / ".Trash" / str(os.getuid()), root / f".Trash-{os.getuid()}"
    # The specification's checks: one that others could exchange for a link is not used.
    common = shared.parent
    trusted = common.is_dir() and not common.is_symlink() and common.stat().st_mode & stat.S_ISVTX
    for trash in (shared, own) if trusted else (own,):
        if not trash.is_symlink() and os.access(trash if trash.exists() else trash.parent, os.W_OK):
            return trash
    return None


def _device(place: Path) -> int:
    """The file system of a place, which need not exist yet."""
    while not place.exists() and place != place.parent:
        place = place.parent
    return place.stat().st_dev


def _put(folder: Path, trash: Path | None) -> None:
    if trash is None:
        raise FileNotFoundError(0, "there is none")
    for part in ("files", "info"):
        (trash / part).mkdir(0o700, parents=True, exist_ok=True)
    name, number = folder.name, 1
    while True:
        note = trash / "info" / f"{name}.trashinfo"
        with contextlib.suppress(FileExistsError), open(note, "x", encoding="ascii") as file:
            file.write(f"[Trash Info]\nPath={quote(_as_noted(folder, trash))}\n")
            file.write(f"DeletionDate={time.strftime('%Y-%m-%dT%H:%M:%S')}\n")
            break
        number += 1
        name = f"{folder.name}.{number}"
    try:
        os.rename(folder, trash / "files" / name)
    except OSError:
        note.unlink()
        raise


def _as_noted(folder: Path, trash: Path) -> str:
    """Where it was: in a trash at a file system's root as seen from there."""
    if trash.name == "Trash":
        return str(folder)
    root = trash.parent if trash.name.startswith(".Trash-") else trash.parent.parent
    return str(folder.resolve().relative_to(root))
