"""What operators that read the scene have in common: a timer, Escape, and the artist's mouse."""

import bpy

from isa_engine.errors import Cancelled, IsaError

from ..session.current import session
from ..session.reading import Reading
from .operator import Operator, Result


class ReadingOperator(Operator):
    """Reads the scene step by step, with Blender drawing and listening in between."""

    def begin(self, context) -> Reading:
        """Begin to read.

        Raises:
            IsaError: the scene cannot be read.
        """
        raise NotImplementedError

    def invoke(self, context, event) -> Result:
        try:
            self._reading = self.begin(context)
        except IsaError as error:
            return self.fail(error)
        manager = context.window_manager
        self._timer = manager.event_timer_add(0.01, window=context.window)
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context, event) -> Result:
        if event.type == "ESC":
            self._reading.cancel()
        elif event.type != "TIMER":
            # The mouse still reaches Cancel and the view; a key could change the scene while it is read.
            mouse = event.type in {"MOUSEMOVE", "LEFTMOUSE", "MIDDLEMOUSE", "WHEELUPMOUSE", "WHEELDOWNMOUSE"}
            return {"PASS_THROUGH"} if mouse else {"RUNNING_MODAL"}
        unfinished = False
        try:
            unfinished = self._reading.stretch()
        except Cancelled:
            return {"CANCELLED"}
        except IsaError as error:
            return self.fail(error)
        finally:
            if not unfinished:
                context.window_manager.event_timer_remove(self._timer)
        return {"RUNNING_MODAL"} if unfinished else {"FINISHED"}

    def cancel(self, context) -> None:
        """Blender closes or opens another file."""
        self._reading.close()
        context.window_manager.event_timer_remove(self._timer)

    def run(self, context) -> None:
        """Without a window: all frames at once."""
        reading = self.begin(context)
        while reading.step():
            pass
        for finding in session().findings:
            self.report({"WARNING"}, finding.sentence)

    def fail(self, error: IsaError) -> Result:
        """Say it in the panel, too, as long as it is true."""
        session().fail(error, bpy.context.scene)
        return super().fail(error)
