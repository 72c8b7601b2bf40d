"""The log of one job: what its workers did over it, and what they said, for whoever sent it.

It is in the job's folder, as long as the job, and of a bounded length: a model that warns at every step fills
no disk. A disk that is full already costs its lines and not the job.
"""

import contextlib
import logging
import time
from collections.abc import Iterator
from pathlib import Path

from isa_engine.client.words import sentence

MAX_BYTES = 2**20


def note(path: Path, line: str) -> None:
    """Add a line, with the time in UTC; nothing where it cannot be written, or the log is full."""
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    with contextlib.suppress(OSError), path.open("a", encoding="utf-8", errors="replace") as file:
        if file.tell() < MAX_BYTES:
            file.write(f"{when} {sentence(line)}\n")


class _ToJob(logging.Handler):
    """What is logged meanwhile, libraries' warnings included."""

    def __init__(self, path: Path):
        super().__init__(logging.INFO)
        self.path = path

    def emit(self, record: logging.LogRecord) -> None:
        # The lines beneath the first name the engine's own files, which are for its operator alone.
        first = record.getMessage().partition("\n")[0]
        note(self.path, f"{record.levelname.lower()} {record.name}: {first}")


@contextlib.contextmanager
def logged_to(path: Path) -> Iterator[None]:
    """Everything that this process logs goes to a job's log, too."""
    handler, root = _ToJob(path), logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
