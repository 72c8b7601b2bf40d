"""What operators have in common that last: a timer's events, between which Blender draws and listens."""

from isa_engine.errors import IsaError

from .operator import Operator, Result


class LastingOperator(Operator):
    """Begins work, and goes on with it in ``modal`` until that calls ``stop``.

    Attributes:
        every: seconds between two of the timer's events.
    """

    every = 0.2

    def begin(self, context) -> None:
        """Begin the work.

        Raises:
            IsaError: what stands in the way; nothing has begun.
        """
        raise NotImplementedError

    def leave(self, context) -> None:
        """Let the work go: Blender closes or opens another file."""
        raise NotImplementedError

    def invoke(self, context, event) -> Result:
        try:
            self.begin(context)
        except IsaError as error:
            return self.fail(error)
        self.look_every(context, self.every)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def look_every(self, context, seconds: float) -> None:
        """Have the timer's events come so often from now on."""
        self.stop(context)
        self._timer = context.window_manager.event_timer_add(seconds, window=context.window)

    def stop(self, context) -> None:
        """Have them come no more."""
        if getattr(self, "_timer", None) is not None:
            context.window_manager.event_timer_remove(self._timer)
            self._timer = None

    def cancel(self, context) -> None:
        self.stop(context)
        self.leave(context)
