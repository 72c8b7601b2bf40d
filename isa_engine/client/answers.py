"""What an engine says, as the protocol has it: everything that is not so raises one of ``STRANGE``."""

import base64
import re
from collections.abc import Callable
from dataclasses import MISSING, fields, replace
from typing import Any, TypeVar, get_args, get_origin

import isa_engine
from isa_engine.client import words
from isa_engine.client.protocol import (
    TRANSITIONS,
    Health,
    JobEvent,
    JobStatus,
    Memory,
    ModelInfo,
    Refusal,
    WorkerStatus,
    kind_of,
)
from isa_engine.errors import EngineError

STRANGE = (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError)
# Characters of a text.
MAX_TEXT = 2**14
# Of counts and bytes: what JSON's readers agree on. Of seconds since 1970: what every system's calendar has,
# which is the year 3000.
MAX_COUNT, MAX_TIME = 2**53, 32_503_680_000

T = TypeVar("T")


def read_health(url: str, answer: dict) -> Health:
    """An engine's health; another major or minor version is an ``EngineError``."""
    theirs, ours = words.sentence(str(answer["version"])), isa_engine.__version__
    if theirs.split(".")[:2] != ours.split(".")[:2]:
        problem = f"version {theirs} runs there, and this is version {ours}"
        raise EngineError(problem, where=url, remedy="Update the older of the two.")
    models = tuple(read(ModelInfo, model) for model in answer["models"])
    memory = answer["memory"] and read(Memory, answer["memory"])
    return read(Health, {**answer, "models": models, "memory": memory})


def read_workers(answer: list) -> list[WorkerStatus]:
    return [
        read(WorkerStatus, {**each, "memory": each["memory"] and read(Memory, each["memory"])})
        for each in answer
    ]


def read_job(answer: dict) -> JobStatus:
    return read(JobStatus, answer)


def read_refusal(status: int, answer: dict) -> Refusal:
    """Why a request is refused; of an engine that says it in a sentence alone, that is the problem.

    Args:
        status: of HTTP.
    """
    said = read(Refusal, answer)
    return said if said.kind else replace(said, problem=said.error, kind=kind_of(status))


def read(kind: Callable[..., T], answer: dict) -> T:
    """A dataclass of the protocol; what another patch version adds is left out, or has its default."""
    known = [field for field in fields(kind) if field.default is MISSING or field.name in answer]
    read = kind(**{field.name: _shown(answer[field.name], field.name) for field in known})
    for field in known:
        value, wanted = getattr(read, field.name), tuple if get_origin(field.type) is tuple else field.type
        # JSON writes a whole number of seconds without a fraction, and Python counts a bool as a number.
        time = float in (wanted, *get_args(wanted))
        fraction = type(value) is int and time
        if not (isinstance(value, wanted) or fraction) or isinstance(value, bool) is not (wanted is bool):
            raise TypeError(field.name)
        if isinstance(value, str) and len(value) > MAX_TEXT:
            raise ValueError(field.name)
        # Python reads NaN and Infinity, too, which are within no bounds.
        least, most = (0, MAX_TIME) if time else (-MAX_COUNT, MAX_COUNT)
        if isinstance(value, (int, float)) and not least <= value <= most:
            raise ValueError(field.name)
    if isinstance(read, (JobStatus, JobEvent)) and read.state not in TRANSITIONS:
        raise ValueError(read.state)
    return read


def _shown(value: Any, name: str) -> Any:
    """A text as terminals and panels may show it: an engine is believed no more than a stranger."""
    if not isinstance(value, str):
        return value
    return words.lines(value) if name == "comment" else words.line(value)


def job_id(text: str) -> str:
    """An id that can stand in a path."""
    if not re.fullmatch("[0-9A-Za-z-]{1,64}", text):
        raise ValueError(text)
    return text


def digest_of(header: str) -> bytes:
    """The SHA-256 of a ``Repr-Digest``."""
    found = re.fullmatch("sha-256=:([0-9A-Za-z+/]{43}=):", header)
    return base64.b64decode(found[1])
