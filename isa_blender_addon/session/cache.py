"""The cache: how large it is, and its clean-up.

What a saved file shows is written down when it is saved, for nothing else tells what files on other disks
show. Only files that the add-on has made are ever removed.
"""

import contextlib
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import bpy
from bpy.app.handlers import persistent

from isa_engine.whole_file import whole_file

from ..language.translation import said
from ..preferences.folders import backgrounds_folder, cache_folder, takes_folder
from ..scene.demo import REFERENCE
from ..takes.files import FILE, discard_folder
from ..takes.places import Places
from ..takes.shown import shown_paths
from ..takes.take import Take, read_take
from .current import session

_DAY = 86_400
_AGAIN_SECONDS, _LOOK_SECONDS, _STEP_SECONDS = 10, 0.2, 0.01
_BACKGROUND = re.compile(r"[0-9a-f]{32}\.mp4")
# States of takes that nobody works on.
_AT_REST = ("done", "failed", "cancelled")


@dataclass(frozen=True)
class Sizes:
    """Bytes."""

    takes: int
    backgrounds: int


class Measuring:
    """The cache's sizes, measured in the background. No method blocks."""

    def __init__(self):
        self._sizes: Sizes | None = None
        self._search: Future | None = None
        self._folder, self._began = Path(), 0.0

    def sizes(self) -> Sizes | None:
        """The last that are known; None while the cache is measured for the first time."""
        folder = cache_folder()
        if folder != self._folder:
            self._folder, self._sizes, self._search, self._began = folder, None, None, 0.0
        if self._search is not None and self._search.done():
            self._sizes, self._search = self._search.result(), None
        if self._search is None and time.monotonic() > self._began + _AGAIN_SECONDS:
            pool = ThreadPoolExecutor(1, "isa-cache")
            self._search = pool.submit(_measure, takes_folder(), backgrounds_folder())
            self._began = time.monotonic()
            pool.shutdown(wait=False)
            _keep_looking()
        return self._sizes

    @property
    def going_on(self) -> bool:
        return self._search is not None and not self._search.done()

    def forget(self) -> None:
        """Measure again when somebody asks."""
        self._began = 0.0


measuring = Measuring()


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
        _keep_looking()

    def wait(self) -> None:
        """All at once."""
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


def _clean(takes: list[Path], files: list[Path]) -> Iterator[bool]:
    """Whether each was removed. What is shown is looked up for each: the artist works on meanwhile."""
    for folder in takes:
        yield _remove_take(folder, _shown())
    for file in files:
        yield _remove_file(file, _shown())


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
        shown: of ``_shown``.
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


def _shown() -> Places:
    """What the open file shows, or another one when it was saved last."""
    shown = shown_paths()
    for file in _files(_records()):
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            shown.update(map(Path, json.loads(file.read_text(encoding="utf-8")).get("shows")))
    return Places(shown)


@persistent
def _saved(*_) -> None:
    """Write down what of the cache the saved file shows."""
    name = hashlib.sha256(os.fsencode(bpy.data.filepath)).hexdigest()[:32]
    record, cache = _records() / f"{name}.json", Path(os.path.realpath(cache_folder()))
    shown = {path for path in shown_paths() if cache in path.parents}
    # A full disk must not make the artist's save fail.
    with contextlib.suppress(OSError):
        if not shown:
            record.unlink(missing_ok=True)
            return
        record.parent.mkdir(parents=True, exist_ok=True)
        content = {"blend": bpy.data.filepath, "shows": sorted(map(str, shown))}
        with whole_file(record) as partial:
            partial.write_text(json.dumps(content), encoding="utf-8")


def _records() -> Path:
    return cache_folder() / "saved"


def _measure(takes: Path, backgrounds: Path) -> Sizes:
    return Sizes(_size(takes), _size(backgrounds))


def _size(folder: Path) -> int:
    total = 0
    for file in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += file.lstat().st_size if not file.is_dir() else 0
    return total


def _files(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from sorted(folder.iterdir())


def _changed(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return float("inf")


def _keep_looking() -> None:
    if not bpy.app.timers.is_registered(_look):
        bpy.app.timers.register(_look, first_interval=_LOOK_SECONDS)


def _look() -> float | None:
    """Go on with the clean-up, and show what has come of it and of the measuring."""
    if cleaning.going_on:
        cleaning.step()
        return _STEP_SECONDS
    if measuring.going_on:
        return _LOOK_SECONDS
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "PREFERENCES":
                area.tag_redraw()
    return None


def register() -> None:
    bpy.app.handlers.save_post.append(_saved)


def unregister() -> None:
    bpy.app.handlers.save_post.remove(_saved)
    if bpy.app.timers.is_registered(_look):
        bpy.app.timers.unregister(_look)
