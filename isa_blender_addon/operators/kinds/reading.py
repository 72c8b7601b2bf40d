"""What operators that read the scene have in common: turns with Blender, Escape, mouse and keys."""

import time

import bpy

from isa_engine.errors import Cancelled, IsaError

from ...session.current import session
from ...session.reading.reading import Reading
from .lasting import LastingOperator
from .operator import Result

# Each frame that is read has Blender draw the scene once more. A turn of reading lasts as long as Blender
# took since the last one, so that drawing a heavy scene takes half of the time at most, and not nearly all;
# seconds, at least and at most.
_SHORTEST, _LONGEST = 0.01, 0.5
# Seconds between two looks at a background that is rendered elsewhere.
_WAITING = 0.1
_MOUSE = {"MOUSEMOVE", "LEFTMOUSE", "MIDDLEMOUSE", "WHEELUPMOUSE", "WHEELDOWNMOUSE"}


class ReadingOperator(LastingOperator):
    """Reads the scene step by step; while its background is rendered all of Blender is the artist's."""

    every = 0.01

    @classmethod
    def poll(cls, _context) -> bool:
        cls.poll_message_set("The scene is being read")  # type: ignore[attr-defined]
        return not session().busy

    def read(self, context) -> Reading:
        """Begin to read.

        Raises:
            IsaError: the scene cannot be read.
        """
        raise NotImplementedError

    def begin(self, context) -> None:
        self._reading, self._turned = self.read(context), time.monotonic()

    def modal(self, context, event) -> Result:
        read = self._reading.frames_read
        if event.type == "ESC" and not read:
            self._reading.cancel()
        elif event.type != "TIMER":
            # The mouse still reaches Cancel and the view; a key could change the scene while it is read.
            return {"PASS_THROUGH"} if read or event.type in _MOUSE else {"RUNNING_MODAL"}
        unfinished = False
        away = time.monotonic() - self._turned - self.every
        try:
            unfinished = self._reading.stretch(min(max(away, _SHORTEST), _LONGEST))
        except Cancelled:
            return {"CANCELLED"}
        except IsaError as error:
            return self.fail(error)
        finally:
            self._turned = time.monotonic()
            if not unfinished:
                self.stop(context)
        session().show()
        if unfinished and self._reading.frames_read and not read:
            self.look_every(context, _WAITING)
        # Others wait for the timer's events, too.
        return {"PASS_THROUGH"} if unfinished else {"FINISHED"}

    def leave(self, context) -> None:
        self._reading.close()

    def run(self, context) -> None:
        """Without a window: all frames at once."""
        reading = self.read(context)
        while reading.step():
            reading.rest()
        for finding in session().findings:
            self.report({"WARNING"}, finding.sentence)

    def fail(self, error: IsaError) -> Result:
        """Say it in the panel, too, as long as it is true."""
        session().fail(error, bpy.context.scene)
        return super().fail(error)
