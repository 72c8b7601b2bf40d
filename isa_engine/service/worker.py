"""The process that generates: one job at a time, on one device, with the model kept between jobs.

usage: python -m isa_engine.service.worker --data DIR [--number N] [--device DEVICE]

A line on its standard input tells it to stop after the current step; the job is put back and goes on from
there later. It ends at once when its standard input ends, so it never outlives the service.
"""

import argparse
import errno
import logging
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from isa_engine.client.protocol import RESULTS, ResultFile
from isa_engine.configuration import MODELS
from isa_engine.errors import Cancelled, EngineError, IsaError, ran_out_of_memory
from isa_engine.service.checksum import sha256
from isa_engine.service.claims import Claim, Claims
from isa_engine.service.folders import Folders
from isa_engine.service.logs import log_to_stderr
from isa_engine.service.memory import device_memory
from isa_engine.shot import read_shot
from isa_engine.whole_file import whole_file

POLL_SECONDS = 0.1
FULL = "The engine's disk is full. Free some space in its data folder."

log = logging.getLogger(__name__)


class Stopping(Exception):
    """The worker was told to stop; its job goes on later."""


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
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--store", default="")
    parser.add_argument("--results", default="")
    parser.add_argument("--number", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--job-seconds", type=float, default=float("inf"))
    parser.add_argument("--free-bytes", type=int, default=0)
    parser.add_argument("--log", default="text")
    arguments = parser.parse_args(argv)
    folders = Folders(arguments.data, arguments.store, arguments.results)
    # Ctrl-C reaches the whole terminal; when to stop is the service's decision.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stopping = threading.Event()
    threading.Thread(target=_listen, args=(stopping,), daemon=True).start()
    log_to_stderr(arguments.log)
    if load_model is None or generate is None:
        from isa_engine import pipeline

        load_model = partial(pipeline.load_model, device=arguments.device)

        def generate(*arguments, checkpoint: Run, **options) -> None:
            # The shot's file goes to the results as it came.
            pipeline.generate(*arguments, checkpoint=checkpoint, encoded=checkpoint.encoded, **options)

    worker = Worker(
        folders,
        load_model,
        generate,
        number=arguments.number,
        job_seconds=arguments.job_seconds,
        stopping=stopping,
    )
    worker.warm_up()
    while not stopping.is_set():
        room = shutil.disk_usage(folders.root).free >= arguments.free_bytes
        if not room or not worker.work():
            stopping.wait(POLL_SECONDS if room else 10 * POLL_SECONDS)


class Worker:
    """Takes jobs from the store and runs them.

    Args:
        number: of this worker among those of the service.
        job_seconds: that a job may take, all attempts together.
        stopping: set when the current job is to be put back.
    """

    def __init__(
        self,
        folders: Folders,
        load_model: Callable,
        generate: Callable,
        number: int = 0,
        job_seconds: float = float("inf"),
        stopping: threading.Event | None = None,
    ):
        self.folders, self.number, self.job_seconds = folders, number, job_seconds
        self.store = Claims(folders.queue, create=False)
        self.load_model, self.generate = load_model, generate
        self.stopping = stopping or threading.Event()
        self.name, self.model = "", None

    def warm_up(self) -> None:
        """Load the first model before anyone asks; where that fails, each job says why."""
        try:
            self._load(next(iter(MODELS)))
        except Exception:
            log.exception("the model did not load")
            self.store.set_worker("ready", worker=self.number)

    def work(self) -> bool:
        """Run the queued job whose turn it is to its end; False when there is none."""
        claim = self.store.claim(self.number)
        if claim is None:
            return False
        log.info("job begins", extra={"job": claim.id, "attempt": claim.attempt})
        out = self.folders.results(claim.id, claim.attempt)
        run = Run(self, claim)
        try:
            self.folders.begin(claim.id, claim.attempt)
            run.encoded = self.folders.bring_shot(claim.id).read_bytes()
            shot = read_shot(run.encoded)
            self._load(shot.settings.model)
            self.generate(shot, self.model, out, run.report, checkpoint=run, made=claim.created)
            self.folders.keep_results(claim.id, claim.attempt)
            results = tuple(_result(out / name) for name in RESULTS)
            self.folders.checkpoint(claim.id).unlink(missing_ok=True)
        except Stopping:
            shutil.rmtree(out, ignore_errors=True)
            self.store.release(claim)
        except Cancelled:
            self._end(claim, out, "cancelled")
        except Exception as error:
            self._fail(claim, out, error)
        else:
            self.store.finish(claim, "done", results=results)
        log.info("job ends", extra={"job": claim.id, "attempt": claim.attempt})
        return True

    def _load(self, name: str) -> None:
        if name != self.name:
            # The old model goes first: two may not fit into memory.
            self.name, self.model = "", None
            self.model = self.load_model(name)
            self.name = name
        device = str(self.model.device)
        self.store.set_worker("ready", device, self.number, device_memory(device))

    def _fail(self, claim: Claim, out: Path, error: Exception) -> None:
        # The traceback names lines, never what the shot holds.
        log.error("job failed", exc_info=error, extra={"job": claim.id, "attempt": claim.attempt})
        full = error.__cause__ if isinstance(error, EngineError) else error
        if isinstance(full, OSError) and full.errno == errno.ENOSPC:
            shutil.rmtree(out, ignore_errors=True)
            self.store.interrupt(claim, FULL)
        else:
            self._end(claim, out, "failed", _sentence(error))

    def _end(self, claim: Claim, out: Path, state: str, error: str = "") -> None:
        shutil.rmtree(out, ignore_errors=True)
        self.folders.checkpoint(claim.id).unlink(missing_ok=True)
        self.store.finish(claim, state, error)


class Run:
    """One attempt at a job: what ``generate`` tells of it, and the file that it goes on from.

    Attributes:
        encoded: the shot's file.
    """

    def __init__(self, worker: Worker, claim: Claim):
        self.worker, self.claim = worker, claim
        self.path = worker.folders.checkpoint(claim.id)
        self.encoded = b""
        self.began = time.monotonic()

    def saved(self, step: int) -> None:
        """A checkpoint of this denoising step lies at ``path``."""
        self.worker.store.saved(self.claim, step)

    def report(self, progress) -> None:
        """Write down progress.

        Raises:
            Cancelled: the job is to end.
            Stopping: the worker is to end.
            EngineError: the job has taken too long.
        """
        worker, claim = self.worker, self.claim
        if progress.preview is not None:
            with whole_file(worker.folders.preview(claim.id)) as partial:
                progress.preview.save(partial, format="PNG")
        seconds = claim.seconds + time.monotonic() - self.began
        shown = (progress.phase, progress.step, progress.steps, progress.preview is not None)
        if not worker.store.report(claim, *shown, seconds):
            raise Cancelled
        if worker.stopping.is_set():
            raise Stopping
        if seconds > worker.job_seconds:
            raise EngineError(overdue(worker.job_seconds))


def overdue(seconds: float) -> str:
    """The sentence for a job that took too long."""
    return f"The job took longer than the {seconds / 3600:g} hours that this engine gives one. Shorten it."


def _result(path: Path) -> ResultFile:
    return ResultFile(path.name, path.stat().st_size, sha256(path))


def _sentence(error: Exception) -> str:
    if isinstance(error, IsaError):
        return str(error)
    if ran_out_of_memory(error):
        return "The engine ran out of memory. Generate fewer frames, or a smaller picture."
    return f"The engine failed: {error!r}. Its log says more."


def _listen(stopping: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        stopping.set()
    os._exit(0)


if __name__ == "__main__":
    main()
