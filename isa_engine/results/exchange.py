"""Files of a take, put in the place of an older take's: all of them, or none.

Files are replaced one after the other, and whoever is killed meanwhile leaves a part of each take. So before
the first is, the new ones lie whole in a folder within the older one's. Whoever comes next finds them there,
and brings the exchange to its end. Files are only renamed, never copied.
"""

import contextlib
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

# Folders within: new files on their way into the next; all of them; all of them once the older ones have
# made room; and these.
_GATHERED, _NEW, _PLACED, _OLDER = (f".arriving-{state}" for state in ("new.part", "new", "placed", "older"))


def exchange(files: Mapping[str, Path], folder: Path, names: Iterable[str]) -> None:
    """Let files replace those of their names in a folder.

    Args:
        files: by the name that each is to have; on the folder's drive.
        names: that a take's files can have; an older one's that the new take lacks goes.

    Raises:
        OSError: a file cannot be replaced, as on some systems while it is open; all are where they were.
    """
    gathered, new = folder / _GATHERED, folder / _NEW
    shutil.rmtree(gathered, ignore_errors=True)
    try:
        gathered.mkdir()
        for name, file in files.items():
            os.replace(file, gathered / name)
        os.rename(gathered, new)
        finish(folder, names)
    except OSError:
        for place in (gathered, new):
            for name, file in files.items():
                if (place / name).is_file():
                    os.replace(place / name, file)
            shutil.rmtree(place, ignore_errors=True)
        raise


def finish(folder: Path, names: Iterable[str]) -> bool:
    """Bring an exchange to its end in whose midst somebody was killed; whether there was one.

    Args:
        names: as of ``exchange``.

    Raises:
        OSError: a file cannot be replaced; those of the older take are where they were, and another call
            tries again.
    """
    new, placed, older = (folder / name for name in (_NEW, _PLACED, _OLDER))
    names = [*names]
    try:
        if new.is_dir():
            older.mkdir(exist_ok=True)
            _move(names, folder, older)
            os.rename(new, placed)
        if begun := placed.is_dir():
            _move(os.listdir(placed), placed, folder)
            placed.rmdir()
    except OSError:
        if placed.is_dir():
            _move(names, folder, placed)
            os.rename(placed, new)
        _move(names, older, folder)
        with contextlib.suppress(OSError):
            older.rmdir()
        raise
    shutil.rmtree(older, ignore_errors=True)
    return begun


def _move(names: Iterable[str], source: Path, target: Path) -> None:
    """Those of the names that there are."""
    for name in names:
        if (source / name).is_file():
            os.replace(source / name, target / name)
