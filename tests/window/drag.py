"""Drag files onto a window and drop them, as a file manager does: XDND, version 5, from the source's side.

usage: python drag.py X Y FILE...    in pixels of the screen that DISPLAY names, from its upper left corner

The protocol: https://freedesktop.org/wiki/Specifications/XDND
"""

import sys
import time
from pathlib import Path

from Xlib import X, display
from Xlib.protocol import event

VERSION = 5
# Seconds that the window may take for an answer.
PATIENCE = 60


class Drag:
    def __init__(self, files: list[str]):
        self.show = display.Display()
        self.root = self.show.screen().root
        self.source = self.root.create_window(0, 0, 1, 1, 0, self.show.screen().root_depth)
        self.content = "".join(f"{Path(file).as_uri()}\r\n" for file in files).encode()
        self.target = self._aware(self.root)

    def drop(self, x: int, y: int) -> None:
        self.source.set_selection_owner(self._atom("XdndSelection"), X.CurrentTime)
        self.root.warp_pointer(x, y)
        self._send("XdndEnter", VERSION << 24, self._atom("text/uri-list"))
        # A drag moves before it is dropped.
        for short in (2, 1, 0):
            self._send("XdndPosition", 0, (x - short) << 16 | y, X.CurrentTime, self._atom("XdndActionCopy"))
            self._answer("XdndStatus")
            time.sleep(0.2)
        self._send("XdndDrop", 0, X.CurrentTime)
        self._answer("XdndFinished")

    def _atom(self, name: str) -> int:
        return self.show.intern_atom(name)

    def _aware(self, window):
        """The first window that takes drops, from the top; None: there is none."""
        if window.get_full_property(self._atom("XdndAware"), X.AnyPropertyType):
            return window
        below = (self._aware(child) for child in reversed(window.query_tree().children))
        return next(filter(None, below), None)

    def _send(self, name: str, *rest: int) -> None:
        data = 32, [self.source.id, *rest, *[0] * (4 - len(rest))]
        self.target.send_event(
            event.ClientMessage(window=self.target, client_type=self._atom(name), data=data)
        )
        self.show.flush()

    def _answer(self, name: str) -> None:
        """Wait for a message of the window, and give it what it asks for meanwhile."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            while self.show.pending_events():
                now = self.show.next_event()
                if now.type == X.SelectionRequest:
                    self._give(now)
                elif now.type == X.ClientMessage and now.client_type == self._atom(name):
                    return
            time.sleep(0.01)
        sys.exit(f"drag: the window sent no {name} within {PATIENCE} s")

    def _give(self, asked) -> None:
        place = asked.property or asked.target
        asked.requestor.change_property(place, asked.target, 8, self.content)
        notice = event.SelectionNotify(
            time=asked.time,
            requestor=asked.requestor,
            selection=asked.selection,
            target=asked.target,
            property=place,
        )
        asked.requestor.send_event(notice)
        self.show.flush()


if __name__ == "__main__":
    Drag(sys.argv[3:]).drop(int(sys.argv[1]), int(sys.argv[2]))
