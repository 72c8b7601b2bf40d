"""The error for a clip that is left out of a data set."""

from isa_engine.errors import DataError


class Unfit(DataError):
    """Footage that is skipped.

    Args:
        reason: what is counted; the same words for the same thing ("blur").
        detail: what was found.
    """

    def __init__(self, reason: str, detail: str, *, remedy: str = ""):
        super().__init__(f"{reason}: {detail}", remedy=remedy)
        self.reason = reason
