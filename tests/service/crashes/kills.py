"""``kill -9`` of worker and service at random moments."""

import contextlib
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from tests.service.crashes.ledger import PATIENCE, TOKEN, Ledger, Outcome
from tests.service.running import RunningEngine, eventually

_ENVIRONMENT = {
    "ISA_ENGINE_TOKEN": TOKEN,
    "ISA_ENGINE_FREE_GIB": "0",
    "STUB_PACE": "0.01",
    # A job is given up where three kills in a row leave it no time for a step, as happens here by chance.
    "STUB_MAX_STALLS": "1000",
}
_STEPS = 8
# Seconds from the step at which the kill is due until it comes: as long as a few steps take.
_SECONDS = 0.1
# Of all kills; a worker starts in a third of the time that service and worker take.
_OF_WORKERS = 0.75


def kill(folder: Path, kills: int, seed: int = 11, patience: float = 1200) -> Outcome:
    """Kill a worker or its service, start the service again, and so on; jobs come all the time.

    Args:
        patience: seconds within which all jobs are over after the last kill.
    """
    moment, ledger = random.Random(seed), Ledger(_STEPS)
    engine = _start(folder)
    with ThreadPoolExecutor(1) as another:
        try:
            for _ in range(kills):
                ledger.send(engine.client)
                # Most moments lie around a step of a job, however long it takes to get there; some between a
                # start and the first job.
                if moment.random() < 0.8:
                    step = moment.randint(0, _STEPS)
                    eventually(lambda: _is_at(engine, step), "a job comes so far", PATIENCE)  # noqa: B023
                # One is on its way when the kill comes.
                sent = another.submit(ledger.send, engine.client)
                time.sleep(moment.uniform(0, _SECONDS))
                service = psutil.Process(engine.process.pid)
                if moment.random() < _OF_WORKERS:
                    for worker in service.children():
                        with contextlib.suppress(psutil.NoSuchProcess):
                            worker.send_signal(signal.SIGKILL)
                    sent.result()
                else:
                    service.send_signal(signal.SIGKILL)
                    engine.process.wait()
                    sent.result()
                    engine.end()
                    engine = _start(folder)
            return ledger.settle(engine, kills, patience)
        finally:
            engine.end()


def _start(folder: Path) -> RunningEngine:
    return RunningEngine(folder / "data", "--stop-with-stdin", **_ENVIRONMENT)


def _is_at(engine: RunningEngine, step: int) -> bool:
    """Whether a job is at a step or further, or none is left."""
    jobs = engine.client.jobs("running", limit=1) or engine.client.jobs("queued", limit=1)
    return not jobs or (jobs[0].state == "running" and jobs[0].step >= step)
