"""What is asked of an engine about a job that it has."""

from collections.abc import Callable
from pathlib import Path

from isa_engine.client import EngineClient
from isa_engine.client.protocol import MAX_NAME
from isa_engine.whole_file import whole_file

from ..takes.files import LOG

# Called with the engine's name for the job.
Order = Callable[[EngineClient, str], object]


def keep_log(folder: Path) -> Order:
    """The order to put a job's log into a take's folder, as ``takes.files.LOG``."""

    def order(client: EngineClient, job: str) -> None:
        text = client.log(job)
        with whole_file(folder / LOG) as partial:
            partial.write_text(text, encoding="utf-8")

    return order


def known_as(folder: Path) -> str:
    """What an engine's other users see of a take."""
    return "".join(letter for letter in folder.name if letter.isprintable())[:MAX_NAME]
