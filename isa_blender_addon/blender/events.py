"""What Blender calls by itself: when a file is opened or saved, when something changes, a moment later."""

from collections.abc import Callable

import bpy
from bpy.app.handlers import persistent


class Listeners:
    """Functions that are called as long as the add-on is registered, whatever file is open.

    Args:
        by_event: names of ``bpy.app.handlers``, and what is called then.
    """

    def __init__(self, **by_event: Callable[..., None]):
        self._by_event = {event: persistent(function) for event, function in by_event.items()}

    def register(self) -> None:
        for event, function in self._by_event.items():
            getattr(bpy.app.handlers, event).append(function)

    def unregister(self) -> None:
        for event, function in self._by_event.items():
            getattr(bpy.app.handlers, event).remove(function)


def call_soon(function: Callable[[], float | None], seconds: float = 0.0) -> None:
    """Have a timer call a function, also where another file is opened meanwhile; once, however often this is
    called before. Changes that an event asks for are made so: Blender allows none while it updates.

    Args:
        function: the same object each time, for Blender finds a timer by it. It returns the seconds to its
            next call, or None.
    """
    if not bpy.app.timers.is_registered(function):
        bpy.app.timers.register(function, first_interval=seconds, persistent=True)


def call_off(function: Callable[[], float | None]) -> None:
    """Have no timer call it any more."""
    if bpy.app.timers.is_registered(function):
        bpy.app.timers.unregister(function)
