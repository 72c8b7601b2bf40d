"""What operators have in common whose work goes on elsewhere, while Blender lives its own life."""

from isa_engine.errors import Cancelled, IsaError

from ...language.translation import said
from .lasting import LastingOperator
from .operator import Result


class WaitingOperator(LastingOperator):
    """Ends when its work is over; without a window it waits."""

    def look(self, context) -> bool:
        """Whether the work is over and can be taken up."""
        raise NotImplementedError

    def end(self, context) -> Result | None:
        """Wait for the work and take up what has come of it; None: it is finished.

        Raises:
            Cancelled: the artist did not want it any more.
            IsaError: it failed.
        """
        raise NotImplementedError

    def modal(self, context, event) -> Result:
        if event.type != "TIMER" or not self.look(context):
            return {"PASS_THROUGH"}
        self.stop(context)
        try:
            return self._ended(context) or {"FINISHED"}
        except IsaError as error:
            return self.fail(error)

    def run(self, context) -> Result | None:
        self.begin(context)
        return self._ended(context)

    def _ended(self, context) -> Result | None:
        try:
            return self.end(context)
        except Cancelled:
            self.report({"INFO"}, said("Canceled."))
            return {"CANCELLED"}
