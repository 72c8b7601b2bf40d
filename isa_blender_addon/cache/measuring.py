"""How large the cache is."""

import contextlib
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ..blender.events import call_off, call_soon
from ..blender.window import redraw_preferences
from ..preferences.folders import backgrounds_folder, cache_folder, takes_folder

_AGAIN_SECONDS, _LOOK_SECONDS = 10, 0.2


@dataclass(frozen=True)
class Sizes:
    """Bytes that each holds."""

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
            call_soon(look, _LOOK_SECONDS)
        return self._sizes

    @property
    def going_on(self) -> bool:
        return self._search is not None and not self._search.done()

    def forget(self) -> None:
        """Measure again when somebody asks."""
        self._began = 0.0


measuring = Measuring()


def look() -> float | None:
    """Have the preferences drawn again once the sizes are there."""
    if measuring.going_on:
        return _LOOK_SECONDS
    redraw_preferences()
    return None


def _measure(takes: Path, backgrounds: Path) -> Sizes:
    return Sizes(_size(takes), _size(backgrounds))


def _size(folder: Path) -> int:
    total = 0
    for file in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += file.lstat().st_size if not file.is_dir() else 0
    return total


def unregister() -> None:
    call_off(look)
