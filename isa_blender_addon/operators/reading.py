"""Reading the scene frame by frame, with Blender drawing and listening in between."""

from collections.abc import Callable

import bpy

from isa_engine.errors import EngineError, IsaError

from ..language.translation import told
from ..session.current import session
from ..session.reading import Reading, staging
from .result import Result


class ReadingOperator:
    """What operators that read the scene have in common: a timer, Escape, and the artist's mouse."""

    report: Callable[..., None]

    def begin(self, context) -> Reading:
        raise NotImplementedError

    def invoke(self, context, event) -> Result:
        try:
            self._reading = self.begin(context)
        except IsaError as error:
            return fail(self, error)
        manager = context.window_manager
        self._timer = manager.event_timer_add(0.01, window=context.window)
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context, event) -> Result:
        if event.type == "ESC":
            session().stop_capture = True
        elif event.type != "TIMER":
            # The mouse still reaches Cancel and the view; no key may change the scene under the reading.
            mouse = event.type in {"MOUSEMOVE", "LEFTMOUSE", "MIDDLEMOUSE", "WHEELUPMOUSE", "WHEELDOWNMOUSE"}
            return {"PASS_THROUGH"} if mouse else {"RUNNING_MODAL"}
        if session().stop_capture:
            session().say("Cancelled.", self._reading.scene, staging)
            self.cancel(context)
            return {"CANCELLED"}
        unfinished = False
        try:
            unfinished = self._reading.stretch()
        except IsaError as error:
            return fail(self, error)
        finally:
            if not unfinished:
                context.window_manager.event_timer_remove(self._timer)
        return {"RUNNING_MODAL"} if unfinished else {"FINISHED"}

    def cancel(self, context) -> None:
        """The artist has had enough, or Blender closes or opens another file."""
        self._reading.close()
        context.window_manager.event_timer_remove(self._timer)

    def finish(self, context) -> Result:
        """Without a window: all frames at once."""
        try:
            reading = self.begin(context)
            while reading.step():
                pass
        except IsaError as error:
            return fail(self, error)
        for finding in session().findings:
            self.report({"WARNING"}, finding.sentence)
        return {"FINISHED"}


def fail(operator, error: IsaError) -> Result:
    """Say it where the artist looks, and in the panel."""
    about = session().engine.state if isinstance(error, EngineError) else staging
    session().fail(told(error), bpy.context.scene, about)
    operator.report({"ERROR"}, told(error))
    return {"CANCELLED"}
