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
    "STUB_PACE": "0.004",
    # A job is given up where three kills in a row leave it no time for a step, as happens here by chance.
    "STUB_MAX_STALLS": "1000",
}
# Seconds after a job began until the kill: as long as a few jobs take.
_SECONDS = 0.2
# Of all kills; a worker starts in a third of the time that service and worker take.
_OF_WORKERS = 0.75


def kill(folder: Path, kills: int, seed: int = 11, patience: float = 1200) -> Outcome:
    """Kill a worker or its service, start the service again, and so on; jobs come all the time.

    Args:
        patience: seconds within which all jobs are over after the last kill.
    """
    moment, ledger = random.Random(seed), Ledger(steps=8)
    engine = _start(folder)
    with ThreadPoolExecutor(1) as another:
        try:
            for _ in range(kills):
                ledger.send(engine.client)
                # Most moments lie in the middle of a job, some between a start and the first job.
                if moment.random() < 0.8:
                    eventually(lambda: _working(engine), "a job runs", PATIENCE)  # noqa: B023
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


def _working(engine: RunningEngine) -> bool:
    return bool(engine.client.jobs("running", limit=1))
