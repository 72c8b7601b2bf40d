"""The process that generates: one job at a time, in order, with the model kept between jobs.

usage: python -m isa_engine.service.worker --data DIR

It ends when its standard input ends, so it never outlives the service that holds the other end.
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
from collections.abc import Callable
from pathlib import Path

from isa_engine.configuration import MODELS
from isa_engine.errors import Cancelled, IsaError
from isa_engine.service.folders import Folders
from isa_engine.service.store import Claim, JobStore
from isa_engine.shot import read_shot

POLL_SECONDS = 0.1

log = logging.getLogger(__name__)


def main(load_model: Callable | None = None, generate: Callable | None = None) -> None:
    """Work until standard input ends.

    Args:
        load_model, generate: ``isa_engine.pipeline``'s, unless given; torch is imported only then.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    folders = Folders(parser.parse_args().data)
    # Ctrl-C reaches the whole terminal; when to stop is the service's decision.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_service, daemon=True).start()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s worker: %(message)s")
    if load_model is None or generate is None:
        from isa_engine.pipeline import generate, load_model
    worker = Worker(folders, load_model, generate)
    worker.warm_up()
    while True:
        if not worker.work():
            time.sleep(POLL_SECONDS)


class Worker:
    """Takes jobs from the store and runs them."""

    def __init__(self, folders: Folders, load_model: Callable, generate: Callable):
        self.folders = folders
        self.store = JobStore(folders.queue)
        self.load_model, self.generate = load_model, generate
        self.name, self.model = "", None

    def warm_up(self) -> None:
        """Load the first model before anyone asks; where that fails, each job says why."""
        try:
            self._load(next(iter(MODELS)))
        except Exception:
            log.exception("the model did not load")
            self.store.set_worker("ready")

    def work(self) -> bool:
        """Run the oldest queued job to its end; False when there is none."""
        claim = self.store.claim()
        if claim is None:
            return False
        log.info("job %s", claim.id)
        out = self.folders.results(claim.id, claim.attempt)
        try:
            out.mkdir(parents=True)
            shot = read_shot(self.folders.shot(claim.id))
            self._load(shot.settings.model)
            self.generate(shot, self.model, out, lambda progress: self._report(claim, progress))
        except Cancelled:
            self._end(claim, out, "cancelled")
        except Exception as error:
            log.exception("job %s failed", claim.id)
            self._end(claim, out, "failed", _sentence(error))
        else:
            self.store.finish(claim, "done")
        log.info("job %s is over", claim.id)
        return True

    def _load(self, name: str) -> None:
        if name != self.name:
            # The old model goes first: two may not fit into memory.
            self.name, self.model = "", None
            self.model = self.load_model(name)
            self.name = name
        self.store.set_worker("ready", str(self.model.device))

    def _report(self, claim: Claim, progress) -> None:
        if progress.preview is not None:
            preview = self.folders.preview(claim.id)
            progress.preview.save(preview.with_suffix(".part"), format="PNG")
            os.replace(preview.with_suffix(".part"), preview)
        report = (progress.phase, progress.step, progress.steps, progress.preview is not None)
        if not self.store.report(claim, *report):
            raise Cancelled

    def _end(self, claim: Claim, out: Path, state: str, error: str = "") -> None:
        shutil.rmtree(out, ignore_errors=True)
        self.store.finish(claim, state, error)


def _sentence(error: Exception) -> str:
    if isinstance(error, IsaError):
        return str(error)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "The engine's disk is full. Free some space in its data folder."
    # torch has its own name for it on a GPU, and only words on a CPU.
    out_of_memory = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    if out_of_memory or "can't allocate memory" in str(error):
        return "The engine ran out of memory. Generate fewer frames, or a smaller picture."
    return f"The engine failed: {error!r}. Its log says more."


def _end_with_service() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
