"""The one client of the service: the add-on and the command line speak to an engine through nothing else."""

import base64
import contextlib
import hashlib
import json
import os
import re
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, get_args, get_origin

import requests

import isa_engine
from isa_engine.client.connection import Connection, EngineUnreachable
from isa_engine.client.protocol import (
    TRANSITIONS,
    Health,
    JobEvent,
    JobStatus,
    Memory,
    ModelInfo,
    ResultFile,
)
from isa_engine.errors import EngineError
from isa_engine.whole_file import whole_file

# After the upload the engine still checks the shot, one at a time.
SUBMIT_SECONDS = 300
RECONNECT_SECONDS = 0.5
# How often a download is begun or continued before it is given up.
ATTEMPTS = 3
# Bytes of a result or a preview, of a line of events, and of a text.
MAX_FILE = 2**40
MAX_LINE = 2**15
MAX_TEXT = 2**14
# Bytes a second that a stream may say and tell nothing; an engine says about one.
MAX_IDLE = 2**10
_CHUNK = 2**18

T = TypeVar("T")


class _Damaged(Exception):
    """A file that is not what its checksum says."""


class EngineClient:
    """Speaks to one engine, from one thread at a time. Every call ends: there are timeouts on everything.

    Args:
        url: "http://127.0.0.1:8642", or "https://..." of a remote engine.
        token: the engine's.
        seconds: the longest wait for an answer, or for the next bytes of a long one.
        identity: of the run of the engine that was started; nothing is told to any other program. Empty: an
            engine that others started.

    Raises:
        EngineError: from every method, with a sentence; ``EngineUnreachable`` where there was no answer.
    """

    def __init__(self, url: str, token: str, seconds: float = 30, identity: str = ""):
        self._connection = Connection(url, token, seconds, identity)
        self.url = self._connection.url

    def close(self) -> None:
        self._connection.close()

    def health(self) -> Health:
        """The engine, its worker and its models; an engine of another major or minor version is refused."""
        return self._ask(self._read_health, "GET", "/health")

    def models(self) -> list[ModelInfo]:
        """The models that the engine knows."""
        return self._ask(lambda found: [_read(ModelInfo, model) for model in found], "GET", "/models")

    def submit(
        self, shot: bytes, priority: int = 0, key: str = "", sent: Callable[[int], None] | None = None
    ) -> str:
        """Queue a shot file and return the job's id.

        Args:
            priority: of ``protocol.PRIORITIES``.
            key: queues the same shot once, however often it is sent; empty: a fresh one for this call.
            sent: called on the way with the number of bytes sent so far.
        """
        limit = self.health().upload_limit
        if len(shot) > limit:
            problem = f"the shot has {len(shot) / 2**20:.1f} MiB, this engine takes {limit / 2**20:.1f} MiB"
            raise EngineError(problem, where=self.url, remedy="Shorten the take.")
        return self._ask(
            lambda answer: _job_id(answer["id"]),
            "POST",
            "/jobs",
            size=len(shot),
            params={"priority": priority},
            headers={"Idempotency-Key": key or uuid.uuid4().hex},
            data=_Upload(shot, sent) if sent else shot,
            seconds=SUBMIT_SECONDS,
        )

    def jobs(self, state: str | None = None, limit: int = 50) -> list[JobStatus]:
        """The newest jobs of this token, newest first; only those in a state, if one is given."""
        params = {"limit": limit, **({"state": state} if state else {})}
        return self._ask(
            lambda a: [_read(JobStatus, job) for job in a["jobs"]], "GET", "/jobs", params=params
        )

    def job(self, job: str) -> JobStatus:
        """How far a job is."""
        return self._ask(_read_job, "GET", f"/jobs/{job}")

    def watch(self, job: str, after: int = 0, patience: float = 60) -> Iterator[JobEvent]:
        """A job's changes as they happen, until it is over; a broken connection is taken up where it was.

        Args:
            after: number of the last event that was seen.
            patience: seconds without an engine, after which ``EngineUnreachable`` is raised.
        """
        deadline, over = time.monotonic() + patience, False
        while True:
            began = time.monotonic()
            try:
                for event in self._events(job, after):
                    after, deadline = event.number, time.monotonic() + patience
                    yield event
                    if event.over:
                        return
                # The job was over before this stream began, and it brought no event: all of them have been
                # seen.
                if over:
                    return
                over = self.job(job).over
                if time.monotonic() - began > RECONNECT_SECONDS:
                    # A proxy may end a stream in which nothing happens; whoever held it for a while is alive.
                    deadline = time.monotonic() + patience
                elif not over and time.monotonic() > deadline:
                    raise EngineUnreachable("the engine ends its events at once, each time", where=self.url)
            except EngineUnreachable:
                if time.monotonic() > deadline:
                    raise
            if not over:
                time.sleep(RECONNECT_SECONDS)

    def cancel(self, job: str) -> JobStatus:
        """End a job; a running one ends after its current step."""
        return self._ask(_read_job, "POST", f"/jobs/{job}/cancel", twice=True)

    def requeue(self, job: str) -> JobStatus:
        """Queue a job anew that failed or was cancelled."""
        return self._ask(_read_job, "POST", f"/jobs/{job}/requeue")

    def delete(self, job: str) -> None:
        """Forget a job that is over, with its files."""
        self._connection.ask("DELETE", f"/jobs/{job}")

    def results(self, job: str) -> list[ResultFile]:
        """The files that a finished job holds."""
        route = f"/jobs/{job}/results"
        return self._ask(lambda found: [_read(ResultFile, file) for file in found], "GET", route)

    def fetch(self, job: str, name: str, path: str | os.PathLike) -> None:
        """Save a result (``protocol.RESULTS``) at ``path``, whole or not at all, checked by its checksum."""
        for _ in range(ATTEMPTS):
            with contextlib.suppress(_Damaged):
                self._save(f"/jobs/{job}/results/{name}", Path(path))
                return
        # Damaged each time: not the network's doing, so asking again is of no use.
        remedy = "Look at the engine's disk and the network, and generate the take again."
        problem = f"{name} is damaged however often it is fetched"
        raise EngineError(problem, where=self.url, remedy=remedy)

    def fetch_preview(self, job: str, path: str | os.PathLike) -> None:
        """Save the newest preview picture, a PNG, at ``path``."""
        self._save(f"/jobs/{job}/preview", Path(path), checked=False)

    def _events(self, job: str, after: int) -> Iterator[JobEvent]:
        response = self._connection.stream(f"/jobs/{job}/events", {"Last-Event-ID": str(after)})
        with contextlib.closing(response):
            for line in self._lines(response):
                if line.startswith(b"data: "):
                    yield self._reading(lambda line: _read(JobEvent, json.loads(line[6:])), line)

    def _lines(self, response: requests.Response) -> Iterator[bytes]:
        """The lines of a stream of events."""
        line, silent, began = bytearray(), 0, time.monotonic()
        with self._connection.reachable():
            # One byte at a time from a buffer: a larger chunk would wait for the next event.
            for byte in response.iter_content(1):
                silent += 1
                idle = MAX_LINE + MAX_IDLE * (time.monotonic() - began)
                if silent > idle or len(line) > MAX_LINE:
                    raise self._connection.stranger()
                if byte != b"\n":
                    line += byte
                    continue
                if line.startswith(b"data: "):
                    silent = 0
                yield bytes(line)
                line.clear()

    def _save(self, route: str, path: Path, checked: bool = True) -> None:
        try:
            with whole_file(path) as unfinished, open(unfinished, "wb+") as file:
                digest = self._receive(route, file, path.name, checked)
                file.seek(0)
                if checked and hashlib.file_digest(file, "sha256").digest() != digest:
                    raise _Damaged
        except OSError as error:
            remedy = "Free some space or choose another folder."
            problem = f"cannot write {path.name}: {error.strerror}"
            raise EngineError(problem, where=str(path.parent), remedy=remedy) from error

    def _receive(self, route: str, file: BinaryIO, name: str, checked: bool) -> bytes:
        """Write an answer to a file and return its SHA-256, as the engine says it; empty unless ``checked``.

        What breaks off after something came is taken up there, as long as it is still the same file.
        """
        tag, left = "", ATTEMPTS
        while True:
            asked = file.tell() if tag else 0
            headers = {"Range": f"bytes={asked}-", "If-Range": tag} if asked else {}
            with contextlib.closing(self._connection.stream(route, headers)) as response:
                offset = self._offset(response, asked)
                file.seek(offset)
                file.truncate()
                tag = response.headers.get("ETag", "")
                digest = self._reading(_digest, response.headers.get("Repr-Digest")) if checked else b""
                length = self._reading(int, response.headers.get("Content-Length"))
                if not 0 <= length <= MAX_FILE:
                    raise self._connection.stranger()
                try:
                    for chunk in self._connection.chunks(response, length):
                        file.write(chunk)
                    if (came := file.tell() - offset) == length:
                        return digest
                    raise EngineUnreachable(f"only {came} of {length} bytes of {name} came", where=self.url)
                except EngineUnreachable:
                    left -= 1
                    if not left:
                        raise

    def _offset(self, response: requests.Response, asked: int) -> int:
        """Where the bytes of an answer begin: at what was asked for, or at 0 where all of it comes."""
        if response.status_code != 206:
            return 0
        start = f"bytes {asked}-"
        if not asked or not response.headers.get("Content-Range", start).startswith(start):
            raise self._connection.stranger()
        return asked

    def _ask(self, read: Callable[[Any], T], method: str, route: str, **options) -> T:
        return self._reading(read, self._connection.ask(method, route, **options))

    def _reading(self, read: Callable[[Any], T], found: Any) -> T:
        """What was found, as the protocol has it.

        Raises:
            EngineError: it is not.
        """
        try:
            return read(found)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
            raise self._connection.stranger() from error

    def _read_health(self, answer: dict) -> Health:
        theirs, ours = str(answer["version"]), isa_engine.__version__
        if theirs.split(".")[:2] != ours.split(".")[:2]:
            problem = f"version {theirs} runs there, and this is version {ours}"
            raise EngineError(problem, where=self.url, remedy="Update the older of the two.")
        models = tuple(_read(ModelInfo, model) for model in answer["models"])
        memory = answer["memory"] and _read(Memory, answer["memory"])
        return _read(Health, {**answer, "models": models, "memory": memory})


class _Upload:
    """A request's body that tells how far it is; each sending of it begins anew."""

    def __init__(self, content: bytes, sent: Callable[[int], None]):
        self.content, self.sent = content, sent

    def __len__(self) -> int:
        return len(self.content)

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self.content), _CHUNK):
            chunk = self.content[start : start + _CHUNK]
            yield chunk
            self.sent(start + len(chunk))


def _read_job(answer: dict) -> JobStatus:
    return _read(JobStatus, answer)


def _read(kind: Callable[..., T], answer: dict) -> T:
    """A dataclass of the protocol; what another patch version adds is left out, or has its default."""
    known = [field for field in fields(kind) if field.default is MISSING or field.name in answer]
    read = kind(**{field.name: answer[field.name] for field in known})
    for field in known:
        value, wanted = getattr(read, field.name), tuple if get_origin(field.type) is tuple else field.type
        # JSON writes a whole number of seconds without a fraction, and Python counts a bool as a number.
        fraction = type(value) is int and float in (wanted, *get_args(wanted))
        if not (isinstance(value, wanted) or fraction) or isinstance(value, bool) is not (wanted is bool):
            raise TypeError(field.name)
        if isinstance(value, str) and len(value) > MAX_TEXT:
            raise ValueError(field.name)
    if isinstance(read, (JobStatus, JobEvent)) and read.state not in TRANSITIONS:
        raise ValueError(read.state)
    return read


def _job_id(text: str) -> str:
    """An id that can stand in a path."""
    if not re.fullmatch("[0-9A-Za-z-]{1,64}", text):
        raise ValueError(text)
    return text


def _digest(header: str) -> bytes:
    """The SHA-256 of a ``Repr-Digest``."""
    found = re.fullmatch("sha-256=:([0-9A-Za-z+/]{43}=):", header)
    return base64.b64decode(found[1])
