"""Who is told when the artist changes a setting: rooms above hang what follows from it on its name."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_told: dict[str, Callable] = {}


def when_changed(setting: str, do: Callable) -> None:
    """From now on ``do(scene)`` follows a change of this setting of the scene; one a setting."""
    _told[setting] = do


def forget(setting: str) -> None:
    """Nothing follows from it any more."""
    _told.pop(setting, None)


@contextmanager
def quietly() -> Iterator[None]:
    """Changes inside are not the artist's: nothing follows from them."""
    global _told
    told, _told = _told, {}
    try:
        yield
    finally:
        _told = told


def changed(setting: str) -> Callable:
    """What Blender is to call as a property's ``update``."""

    def update(settings, _context) -> None:
        if setting in _told:
            _told[setting](settings.id_data)

    return update
