"""The cache's clean-up. Only files that the add-on has made are ever removed."""

import contextlib
import re
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from ..blender.events import call_off, call_soon
from ..blender.window import redraw_preferences
from ..language.translation import said
from ..preferences.folders import backgrounds_folder, takes_folder
from ..rigs.demo import REFERENCE
from ..session.current import session
from ..takes.files import FILE, discard_folder
from ..takes.places import Places
from ..takes.take import Take, read_take
from .measuring import measuring
from .saved_files import shown_anywhere

_DAY = 86_400
_STEP_SECONDS = 0.01
# Movies, and how far away is what they show.
_BACKGROUND = re.compile(r"[0-9a-f]{32}\.(mp4|npy)")
# States of takes that nobody works on.
_AT_REST = ("done", "failed", "cancelled")


class Cleaning:
    """The clean-up, in short steps; the longest part, the search, is in the background.

    Attributes:
        said: what came of the last one, as a sentence.
    """

    def __init__(self):
        self.said = ""
        self._search: Future | None = None
        self._work: Iterator[bool] | None = None
        self._removed = self._kept = 0

    @property
    def going_on(self) -> bool:
        return self._search is not None

    def begin(self, days: float) -> None:
        """Begin to remove what nobody has touched for so many days."""
        self.said, self._work = "", None
        self._removed = self._kept = 0
        pool = ThreadPoolExecutor(1, "isa-cache")
        self._search = pool.submit(_unused, takes_folder(), backgrounds_folder(), days)
        pool.shutdown(wait=False)
        call_soon(look, _STEP_SECONDS)

    def leave_off(self) -> None:
        """End where it is; what is not removed yet stays."""
        self._search = self._work = None

    def wait(self) -> None:
        """Do all of it now, and block until it is done."""
        self._search.result()
        while self.going_on:
            self.step()

    def step(self) -> None:
        """Look at one take or background."""
        if self._search is None or not self._search.done():
            return
        if self._work is None:
            self._work = _clean(*self._search.result())
        removed = next(self._work, None)
        if removed is None:
            self._search = None
            self.said = said("Takes and backgrounds removed: {count}.", count=self._removed)
            if self._kept:
                kept = said("Pinned, shown or waiting, and kept: {count}.", count=self._kept)
                self.said = f"{self.said} {kept}"
            measuring.forget()
        elif removed:
            self._removed += 1
        else:
            self._kept += 1


cleaning = Cleaning()


def look() -> float | None:
    """Go on with the clean-up, and show what has come of it."""
    if cleaning.going_on:
        cleaning.step()
        return _STEP_SECONDS
    redraw_preferences()
    return None


def _clean(takes: list[Path], files: list[Path]) -> Iterator[bool]:
    """Whether each was removed. What is shown is looked up for each: the artist works on meanwhile."""
    for folder in takes:
        yield _remove_take(folder, shown_anywhere())
    for file in files:
        yield _remove_file(file, shown_anywhere())


def _unused(takes: Path, backgrounds: Path, days: float) -> tuple[list[Path], list[Path]]:
    """Folders of takes, and backgrounds and demos' pictures, that nobody has touched for so many days."""
    before = time.time() - days * _DAY
    old = [file.parent for file in takes.rglob(FILE) if _changed(file) < before]
    movies = (file for file in _files(backgrounds) if _BACKGROUND.fullmatch(file.name))
    pictures = takes.rglob(f"{Path(REFERENCE).stem}*{Path(REFERENCE).suffix}")
    return old, [file for file in (*movies, *pictures) if _changed(file) < before]


def _remove_take(folder: Path, shown: Places) -> bool:
    """Remove a take unless it is pinned, waits for an engine, or is shown; whether it was removed.

    Args:
        shown: of ``shown_anywhere``.
    """
    queue = session().queue
    known: Take | None = queue.take(folder)
    take = known or read_take(folder)
    # A take that names a saved file lies here only where the artist has put the cache beside that file.
    if take is None or take.blend or take.pinned or take.state not in _AT_REST or shown.within(folder):
        return False
    if known:
        queue.remove(folder)
    else:
        discard_folder(folder)
    return True


def _remove_file(file: Path, shown: Places) -> bool:
    """Remove a background or a demo's picture unless it is shown; whether it was removed."""
    if shown.within(file):
        return False
    with contextlib.suppress(OSError):
        file.unlink()
        return True
    return False


def _files(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from sorted(folder.iterdir())


def _changed(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return float("inf")


def unregister() -> None:
    call_off(look)
    # Nobody would go on with it, and its button waits for its end.
    cleaning.leave_off()
