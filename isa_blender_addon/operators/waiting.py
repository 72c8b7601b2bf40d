"""What operators have in common whose work goes on elsewhere: a timer, and Blender's own life meanwhile."""

from isa_engine.errors import IsaError

from .operator import Operator, Result


class WaitingOperator(Operator):
    """Begins work and ends when it is over; without a window it waits.

    Attributes:
        every: seconds between two looks at how the work stands.
    """

    every = 0.2

    def begin(self, context) -> None:
        """Begin the work.

        Raises:
            IsaError: what stands in the way; nothing has begun.
        """
        raise NotImplementedError

    def look(self, context) -> bool:
        """Whether the work is over and can be taken up."""
        raise NotImplementedError

    def end(self, context) -> Result | None:
        """Wait for the work and take up what has come of it; None: it is finished.

        Raises:
            IsaError: it failed.
        """
        raise NotImplementedError

    def leave(self, context) -> None:
        """Let the work go: Blender closes or opens another file."""
        raise NotImplementedError

    def invoke(self, context, _event) -> Result:
        try:
            self.begin(context)
        except IsaError as error:
            return self.fail(error)
        manager = context.window_manager
        self._timer = manager.event_timer_add(self.every, window=context.window)
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context, event) -> Result:
        if event.type != "TIMER" or not self.look(context):
            return {"PASS_THROUGH"}
        context.window_manager.event_timer_remove(self._timer)
        try:
            return self.end(context) or {"FINISHED"}
        except IsaError as error:
            return self.fail(error)

    def cancel(self, context) -> None:
        context.window_manager.event_timer_remove(self._timer)
        self.leave(context)

    def run(self, context) -> Result | None:
        self.begin(context)
        return self.end(context)
