"""Operators that a window would run, event by event, where there is none."""

from types import SimpleNamespace

import bpy


class Window:
    """Has timers; ``context`` is what an operator is given in it.

    Attributes:
        timers: seconds of those that go on.
    """

    def __init__(self, scene=None):
        self.timers: list[float] = []
        manager = SimpleNamespace(
            event_timer_add=self._add, event_timer_remove=self.timers.remove, modal_handler_add=lambda _: None
        )
        self.context = SimpleNamespace(window_manager=manager, window=None, scene=scene or bpy.context.scene)

    def _add(self, seconds: float, window) -> float:
        self.timers.append(seconds)
        return seconds


def clicked(operator: type, window: Window, **values):
    """An operator that has been clicked there; its last result is ``result``."""
    plain = [cls for cls in operator.__mro__ if cls not in bpy.types.Operator.__mro__]
    # What an add-on registers can only be made by Blender; its other base has all that it does.
    own = {name: value for name, value in vars(operator).items() if not name.startswith("__")}
    life = type(operator.__name__, tuple(plain[1:2]), own)()
    life.reports = []
    life.report = lambda _kind, text: life.reports.append(text)
    for name, value in values.items():
        setattr(life, name, value)
    life.result = life.invoke(window.context, None)
    return life


def event(life, window: Window, kind: str = "TIMER") -> set[str]:
    """One event for it."""
    life.result = life.modal(window.context, SimpleNamespace(type=kind))
    return life.result
