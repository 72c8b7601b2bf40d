"""How long a worker lets nothing begin where its host stood in the way of a job."""

import time

# Seconds at most between two tries of a job that trouble of the host stops.
LONGEST_PAUSE_SECONDS = 60


class Standstill:
    """The host's trouble, as one worker meets it.

    Attributes:
        trouble: a sentence on it; "": the host is well, as far as is known.
        others_ended: whether a job has ended since the one that met it first came: then it may be that job's
            own fault.
    """

    def __init__(self):
        self.trouble, self.others_ended = "", False
        # How often it came in a row, and until when to wait.
        self._times, self._until = 0, 0.0

    @property
    def lasts(self) -> bool:
        """Whether it is too soon for another try."""
        return time.monotonic() < self._until

    def begin(self, trouble: str, first: bool) -> None:
        """The host stands in the way of a job.

        Args:
            first: whether that job meets it for the first time.
        """
        if first:
            self.others_ended = False
        self.trouble, self._times = trouble, self._times + 1
        # The trouble may pass at once or last for hours, so the waits grow.
        self._until = time.monotonic() + min(2**self._times, LONGEST_PAUSE_SECONDS)

    def well(self) -> None:
        """Nothing stands in the way any more."""
        self.trouble = ""

    def ended(self, well: bool) -> None:
        """A job has ended, well or not."""
        self.others_ended = True
        if well:
            self._times = 0
