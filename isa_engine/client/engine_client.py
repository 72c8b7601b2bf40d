"""The one client of the service: the add-on and the command line speak to an engine through nothing else."""

import contextlib
import json
import os
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import requests

from isa_engine.client import words
from isa_engine.client.answers import job_id, read, read_health, read_job, read_workers
from isa_engine.client.connection import Connection, EngineUnreachable
from isa_engine.client.protocol import (
    RESULTS,
    Ending,
    Health,
    JobEvent,
    JobStatus,
    ModelInfo,
    ResultFile,
    WorkerStatus,
)
from isa_engine.client.transfer import ATTEMPTS, Damaged, Upload, save
from isa_engine.errors import EngineError
from isa_engine.results.files import LATENTS

# Seconds for an answer to an upload: the engine first checks the shot, one at a time.
SUBMIT_SECONDS = 300
RECONNECT_SECONDS = 0.5
# Bytes of a line of events, at most.
MAX_LINE = 2**15
# Bytes a second that a stream may send without an event; an engine sends about one.
MAX_IDLE = 2**10

T = TypeVar("T")


class EngineClient:
    """Speaks to one engine, from one thread at a time. Every call ends: there are timeouts on everything.

    Args:
        url: "http://127.0.0.1:8642", or "https://..." of a remote engine.
        token: the engine's.
        seconds: the longest wait for an answer, or for the next bytes of a long one.
        identity: of the run of the engine that was started; nothing is told to any other program. Empty: an
            engine that others started.

    Raises:
        EngineError: from every method, with a sentence; ``EngineUnreachable`` where there was no answer,
            ``RequestRefused`` where the engine says no, and of which kind.
    """

    def __init__(self, url: str, token: str, seconds: float = 30, identity: str = ""):
        self._connection = Connection(url, token, seconds, identity)
        self.url = self._connection.url

    def close(self) -> None:
        self._connection.close()

    def health(self) -> Health:
        """The engine, its worker and its models; an engine of another major or minor version is refused."""
        return self._ask(partial(read_health, self.url), "GET", "/health")

    def models(self) -> list[ModelInfo]:
        """The models that the engine knows."""
        return self._ask(lambda found: [read(ModelInfo, model) for model in found], "GET", "/models")

    def submit(
        self,
        shot: bytes,
        priority: int = 0,
        key: str = "",
        sent: Callable[[int], None] | None = None,
        name: str = "",
        comment: str = "",
    ) -> str:
        """Queue a shot file and return the job's id.

        Args:
            priority: of ``protocol.PRIORITIES``.
            key: queues the same shot once, however often it is sent; empty: a fresh one for this call.
            sent: called on the way with the number of bytes sent so far.
            name, comment: that its owner knows it by.
        """
        limit = self.health().upload_limit
        if len(shot) > limit:
            problem = f"the shot has {len(shot) / 2**20:.1f} MiB, this engine takes {limit / 2**20:.1f} MiB"
            remedy = "Shorten the take, or lower its Detail or Plate Scale."
            raise EngineError(problem, where=self.url, remedy=remedy)
        return self._ask(
            lambda answer: job_id(answer["id"]),
            "POST",
            "/jobs",
            size=len(shot),
            params={"priority": priority, "name": name, "comment": comment},
            headers={"Idempotency-Key": key or uuid.uuid4().hex},
            data=Upload(shot, sent) if sent else shot,
            seconds=SUBMIT_SECONDS,
        )

    def jobs(self, state: str | None = None, limit: int = 50) -> list[JobStatus]:
        """The newest jobs of this token, newest first; only those in a state, if one is given."""
        params = {"limit": limit, **({"state": state} if state else {})}
        return self._ask(lambda a: [read(JobStatus, job) for job in a["jobs"]], "GET", "/jobs", params=params)

    def job(self, job: str) -> JobStatus:
        """How far a job is."""
        return self._ask(read_job, "GET", f"/jobs/{job}")

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
        return self._ask(read_job, "POST", f"/jobs/{job}/cancel", twice=True)

    def hold(self, job: str) -> JobStatus:
        """Let a job wait for ``resume``; a running one does so after its current step."""
        return self._ask(read_job, "POST", f"/jobs/{job}/hold", twice=True)

    def resume(self, job: str) -> JobStatus:
        """Let a job that was held go on."""
        return self._ask(read_job, "POST", f"/jobs/{job}/resume")

    def change(self, job: str, **values: int | str) -> JobStatus:
        """Give a job another ``priority``, ``name`` or ``comment``."""
        return self._ask(read_job, "PATCH", f"/jobs/{job}", twice=True, json=values)

    def requeue(self, job: str) -> JobStatus:
        """Queue a job anew that failed or was cancelled."""
        return self._ask(read_job, "POST", f"/jobs/{job}/requeue")

    def delete(self, job: str) -> None:
        """Forget a job that is over, with its files."""
        self._connection.ask("DELETE", f"/jobs/{job}")

    def endings(self, limit: int = 50) -> list[Ending]:
        """How this token's jobs ended, the newest first, deleted ones too."""
        params = {"limit": limit}
        return self._ask(
            lambda a: [read(Ending, ending) for ending in a["endings"]], "GET", "/history", params=params
        )

    def workers(self) -> list[WorkerStatus]:
        """Every worker and what it does; for an admin's token."""
        return self._ask(read_workers, "GET", "/workers")

    def forgive(self, worker: int) -> list[WorkerStatus]:
        """Let a worker that was blocked take jobs again; for an admin's token."""
        return self._ask(read_workers, "POST", f"/workers/{worker}/forgive", twice=True)

    def results(self, job: str) -> list[ResultFile]:
        """The files that a finished job holds."""
        route = f"/jobs/{job}/results"
        return self._ask(lambda found: [read(ResultFile, file) for file in found], "GET", route)

    def result_names(self, job: str) -> list[str]:
        """The files to fetch of a finished job: all of ``protocol.RESULTS``, but for latents that a job of an
        earlier version does not hold."""
        held = {file.name for file in self.results(job)}
        return [name for name in RESULTS if name in held or name != LATENTS]

    def fetch(
        self, job: str, name: str, path: str | os.PathLike, stopped: Callable[[], bool] | None = None
    ) -> None:
        """Save a result (``protocol.RESULTS``) at ``path``, whole or not at all, checked by its checksum;
        ``stopped`` as of ``transfer.save``."""
        for _ in range(ATTEMPTS):
            with contextlib.suppress(Damaged):
                save(
                    self._connection, f"/jobs/{job}/results/{name}", Path(path), checked=True, stopped=stopped
                )
                return
        # Damaged each time: not the network's doing, so asking again is of no use.
        remedy = "Look at the engine's disk and the network, and generate the take again."
        problem = f"{name} is damaged however often it is fetched"
        raise EngineError(problem, where=self.url, remedy=remedy)

    def log(self, job: str) -> str:
        """What the workers did over a job, in lines of text."""
        with contextlib.closing(self._connection.stream(f"/jobs/{job}/log", {})) as response:
            return words.lines(self._connection.text(response))

    def fetch_preview(
        self, job: str, path: str | os.PathLike, stopped: Callable[[], bool] | None = None
    ) -> None:
        """Save the newest preview picture, a PNG, at ``path``; ``stopped`` as of ``transfer.save``."""
        save(self._connection, f"/jobs/{job}/preview", Path(path), checked=False, stopped=stopped)

    def _events(self, job: str, after: int) -> Iterator[JobEvent]:
        response = self._connection.stream(f"/jobs/{job}/events", {"Last-Event-ID": str(after)})
        with contextlib.closing(response):
            for line in self._lines(response):
                if line.startswith(b"data: "):
                    yield self._connection.reading(lambda line: read(JobEvent, json.loads(line[6:])), line)

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

    def _ask(self, read: Callable[[Any], T], method: str, route: str, **options) -> T:
        return self._connection.reading(read, self._connection.ask(method, route, **options))
