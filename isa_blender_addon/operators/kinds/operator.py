"""What all operators have in common: how they end, and what they say where they cannot work."""

from collections.abc import Callable
from typing import Literal

from isa_engine.errors import IsaError

from ...language.translation import told, whole

# How an operator ends, as Blender spells it.
Result = set[Literal["RUNNING_MODAL", "CANCELLED", "FINISHED", "PASS_THROUGH", "INTERFACE"]]


class Operator:
    """An operator that an ``IsaError`` ends, with the error's sentence for the artist.

    What it does is ``run``; whoever has more to do than that begins at ``execute`` or ``invoke``.
    """

    report: Callable[..., None]

    def run(self, context) -> Result | None:
        """Do it; None: it is finished.

        Raises:
            IsaError: what stands in the way.
        """
        raise NotImplementedError

    def execute(self, context) -> Result:
        try:
            return self.run(context) or {"FINISHED"}
        except IsaError as error:
            return self.fail(error)

    def fail(self, error: IsaError) -> Result:
        """Say what stands in the way, and end."""
        self.complain(error, "ERROR")
        return {"CANCELLED"}

    def complain(self, error: IsaError, level: Literal["ERROR", "WARNING"]) -> None:
        """Say in Blender's status bar and its Info editor what stands in the way."""
        self.report({level}, whole(told(error)))
