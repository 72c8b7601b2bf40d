"""The process that generates: one job at a time, on one device, with the model kept between jobs.

usage: python -m isa_engine.service.work.worker --data DIR [--number N] [--device DEVICE]

A line on its standard input tells it to stop after the current step; the job is put back and goes on from
there later. It ends at once when its standard input ends, so it never outlives the service.
"""

import argparse
import logging
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from isa_engine.client.protocol import RESULTS, Memory, ResultFile
from isa_engine.errors import Cancelled, IsaError, ran_out_of_memory
from isa_engine.given_path import GivenPath
from isa_engine.models import names
from isa_engine.sandbox.confined import keep_memory_private
from isa_engine.service.files.checksum import sha256
from isa_engine.service.files.folders import Folders
from isa_engine.service.files.job_log import logged_to, note
from isa_engine.service.operation.logs import log_to_stderr
from isa_engine.service.queue.claims import MAX_BLAME, MAX_STALLS, Claim, Claims
from isa_engine.service.work.host import FULL, Host
from isa_engine.service.work.memory import device_memory
from isa_engine.service.work.run import Damaged, Overdue, Run, Stopping
from isa_engine.service.work.standstill import Standstill

POLL_SECONDS = 0.1
BEAT_SECONDS = 15
BLOCKED = (
    "Worker {0} is blocked: {1} jobs in a row failed on it that others did. See its log, then: "
    "isa-engine workers --forgive {0}"
)
# Exit code of a worker whose GPU went away.
LOST_DEVICE = 75
_KINDS = ((Overdue, "time"), (Damaged, "damaged"))

log = logging.getLogger(__name__)


def main(
    load_model: Callable | None = None,
    generate: Callable | None = None,
    argv: Sequence[str] | None = None,
) -> None:
    """Work until told to stop.

    Args:
        load_model, generate: ``isa_engine.pipeline``'s, unless given; torch is imported only then.
        argv: options, unless those of the process.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", action=GivenPath, required=True)
    parser.add_argument("--store", default="")
    parser.add_argument("--results", default="")
    parser.add_argument("--number", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--job-seconds", type=float, default=float("inf"))
    parser.add_argument("--free-bytes", type=int, default=0)
    parser.add_argument("--log", default="text")
    arguments = parser.parse_args(argv)
    folders = Folders(arguments.data, arguments.store, arguments.results)
    # Of long takes much is put aside, on the disk whose room is watched: the system's own temporary folder
    # may be memory.
    tempfile.tempdir = str(folders.root)
    # Ctrl-C reaches the whole terminal; when to stop is the service's decision.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stopping = threading.Event()
    threading.Thread(target=_listen, args=(stopping,), daemon=True).start()
    log_to_stderr(arguments.log)
    # Its environment names the signing key's file and its memory holds shots; the decoder of foreign pictures
    # is its child and runs as the same user.
    keep_memory_private()
    if load_model is None or generate is None:
        from isa_engine import pipeline

        load_model = partial(pipeline.load_model, device=arguments.device, compiled=arguments.compile)

        def generate(*arguments, checkpoint: Run, **options) -> None:
            # The shot's file goes to the results as it came.
            pipeline.generate(*arguments, checkpoint=checkpoint, file=checkpoint.shot_file, **options)

    worker = Worker(
        folders,
        load_model,
        generate,
        number=arguments.number,
        job_seconds=arguments.job_seconds,
        free_bytes=arguments.free_bytes,
        stopping=stopping,
    )
    worker.warm_up()
    worker.keep_working()


class Worker:
    """Takes jobs from the store and runs them.

    Args:
        number: of this worker among those of the service.
        job_seconds: that a job may take, all attempts together.
        free_bytes: of room on the disk, without which no job begins.
        stopping: set when the current job is to be put back.
    """

    def __init__(
        self,
        folders: Folders,
        load_model: Callable,
        generate: Callable,
        number: int = 0,
        job_seconds: float = float("inf"),
        free_bytes: int = 0,
        stopping: threading.Event | None = None,
    ):
        self.folders, self.number, self.job_seconds = folders, number, job_seconds
        self.store = Claims(folders.queue, create=False)
        self.load_model, self.generate = load_model, generate
        self.stopping = stopping or threading.Event()
        # Of an unmounted disk the data folder may be left, as an empty one.
        self.host = Host(folders.jobs, free_bytes, self._memory)
        self.name, self.model = "", None
        self._told = ("", float("-inf"))
        self._standstill = Standstill()

    def warm_up(self) -> None:
        """Load the first model before anyone asks; where that fails, each job says why."""
        try:
            # The process is up; from here on its silence counts.
            self.store.beat(self.number)
            self._load(names()[0])
        except Exception:
            log.exception("the model did not load")
            self.store.set_worker("ready", worker=self.number)

    def keep_working(self) -> None:
        """Work until told to stop, whatever becomes of the host meanwhile."""
        while not self.stopping.is_set():
            try:
                hindrance = self._hindrance()
                self._tell(hindrance)
                if not hindrance and self.work():
                    continue
                pause = 10 * POLL_SECONDS if hindrance else POLL_SECONDS
            except OSError as error:
                log.error("the worker waits: %s", error.strerror)
                pause = 10 * POLL_SECONDS
            self.stopping.wait(pause)

    def _hindrance(self) -> str:
        """Why no job can begin now; "": nothing stands in the way."""
        if self._standstill.lasts:
            return self._standstill.trouble
        if self.store.blocked(self.number):
            return BLOCKED.format(self.number, MAX_BLAME)
        # Where something was wrong, a file is written to see whether that works again.
        found = self.host.hindrance(thorough=bool(self._standstill.trouble))
        if not found:
            self._standstill.well()
        return found

    def _tell(self, hindrance: str) -> None:
        """Tell that the worker lives, and why it takes no job."""
        told, when = self._told
        if hindrance != told or time.monotonic() - when > BEAT_SECONDS:
            self.store.beat(self.number, hindrance)
            self._told = hindrance, time.monotonic()

    def alive(self) -> None:
        """Tell, now and then, that the worker lives and works."""
        self._tell("")

    def work(self) -> bool:
        """Run the queued job whose turn it is to its end; False when there is none."""
        claim = self.store.claim(self.number)
        if claim is None:
            return False
        with logged_to(self.folders.log(claim.id)):
            self._work(claim)
        return True

    def _work(self, claim: Claim) -> None:
        log.info("job begins", extra={"job": claim.id, "attempt": claim.attempt})
        out = self.folders.results(claim.id, claim.attempt)
        run = Run(self, claim)
        try:
            self.folders.begin(claim.id, claim.attempt)
            run.note(f"attempt {claim.attempt} begins on worker {self.number}")
            shot = run.read_shot()
            self.host.make_sure_of(shot)
            self._load(shot.settings.model)
            self.host.make_sure_of_memory(shot)
            self.generate(shot, self.model, out, run.report, checkpoint=run, made=claim.created)
            self.folders.keep_results(claim.id, claim.attempt)
            results = tuple(_result(out / name) for name in RESULTS)
            self.folders.checkpoint(claim.id).unlink(missing_ok=True)
        except Stopping:
            run.note("put back, to go on from the last step")
            shutil.rmtree(out, ignore_errors=True)
            self._write_down(lambda: self.store.release(claim))
        except Cancelled:
            self._end(claim, out, "cancelled")
        except Exception as error:
            self._fail(claim, out, error)
        else:
            self._write_down(lambda: self.store.finish(claim, "done", results=results))
            self._standstill.ended(well=True)
            run.note("done")
        log.info("job ends", extra={"job": claim.id, "attempt": claim.attempt})

    def _load(self, name: str) -> None:
        if name != self.name:
            # The old model goes first: two may not fit into memory.
            self.name, self.model = "", None
            self.model = self.load_model(name)
            self.name = name
        self.store.set_worker("ready", str(self.model.device), self.number, self._memory())

    def _memory(self) -> Memory | None:
        """Of the device, beside the model."""
        return device_memory(str(self.model.device)) if self.model is not None else None

    def _fail(self, claim: Claim, out: Path, error: Exception) -> None:
        # The error's kind and the lines of code; its words may name the artist's characters.
        lines = "".join(traceback.format_tb(error.__traceback__)).rstrip()
        where = {"job": claim.id, "attempt": claim.attempt}
        log.error("job failed: %s\n%s", type(error).__name__, lines, extra=where)
        trouble = self.host.trouble(error)
        note(self.folders.log(claim.id), trouble or _reason(error)[0])
        if trouble and not (claim.hindered >= MAX_STALLS and self._standstill.others_ended):
            self._hold(claim, out, trouble)
            if self.host.lost_device(error):
                # Nothing that this process does with the GPU will succeed any more.
                sys.exit(LOST_DEVICE)
        elif not isinstance(error, IsaError) and self._passed_on(claim, out):
            return
        else:
            self._end(claim, out, "failed", *_reason(error))
            self._standstill.ended(well=False)

    def _hold(self, claim: Claim, out: Path, trouble: str) -> None:
        """Put a job back that the host stood in the way of, and let nothing begin for a while."""
        if trouble == FULL:
            self.host.did_not_fit(out.parent)
        shutil.rmtree(out, ignore_errors=True)
        self._write_down(lambda: self.store.hinder(claim))
        self._standstill.begin(trouble, first=claim.hindered == 0)

    def _passed_on(self, claim: Claim, out: Path) -> bool:
        if not self.store.pass_on(claim, self.number):
            return False
        shutil.rmtree(out, ignore_errors=True)
        return True

    def _write_down(self, write: Callable[[], None]) -> None:
        """Write down how a job ended, as soon as the queue can be written; until then nothing else begins."""
        while True:
            try:
                return write()
            except OSError as error:
                log.error("the queue cannot be written: %s", error.strerror)
                time.sleep(1)

    def _end(self, claim: Claim, out: Path, state: str, error: str = "", reason: str = "") -> None:
        shutil.rmtree(out, ignore_errors=True)
        self.folders.checkpoint(claim.id).unlink(missing_ok=True)
        self._write_down(lambda: self.store.finish(claim, state, error, reason=reason))


def _result(path: Path) -> ResultFile:
    return ResultFile(path.name, path.stat().st_size, sha256(path))


def _reason(error: Exception) -> tuple[str, str]:
    """The sentence for a failure, and its kind, of ``protocol.REASONS``."""
    if isinstance(error, IsaError):
        return str(error), next((kind for each, kind in _KINDS if isinstance(error, each)), "refused")
    if ran_out_of_memory(error):
        return "The engine ran out of memory. Generate fewer frames, or a smaller picture.", "memory"
    return f"The engine failed: {error!r}. Its log says more.", "engine"


def _listen(stopping: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        stopping.set()
    os._exit(0)


if __name__ == "__main__":
    main()
