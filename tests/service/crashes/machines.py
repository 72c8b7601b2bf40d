"""Machines that fall ill while jobs run: disks without room or names, clocks that jump, workers that hang."""

import contextlib
import os
import signal
from pathlib import Path

import psutil
import requests

from isa_engine.errors import EngineError
from tests.service.crashes.disks import small
from tests.service.crashes.ledger import PATIENCE, TOKEN, Ledger, Outcome
from tests.service.running import RunningEngine, eventually, upload
from tests.service.stub_engine import HANGS_ONCE

_YEAR = 365 * 86400


def fill_the_disk(folder: Path, times: int = 3) -> Outcome:
    """Another program writes until nothing more goes onto the disk, and later removes what it wrote."""
    with small(folder / "disk", "size=192m") as disk:
        environment = {"ISA_ENGINE_TOKEN": TOKEN, "ISA_ENGINE_FREE_GIB": "0.02", "STUB_PACE": "0.02"}
        engine = RunningEngine(disk / "data", "--stop-with-stdin", **environment)
        ledger = Ledger(steps=60)
        try:
            for _ in range(times):
                send_and_wait_for_steps(engine, ledger)
                with (disk / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
                    while filler.write(bytes(2**16)):
                        pass
                with contextlib.suppress(EngineError):
                    ledger.send(engine.client)
                eventually(lambda: "Free some space" in not_ready(engine), "it is said", PATIENCE)
                (disk / "filler").unlink()
            return ledger.settle(engine, times)
        finally:
            engine.end()


def take_all_inodes(folder: Path) -> Outcome:
    """Another program makes files until no other has room for a name."""
    with small(folder / "disk", "size=64m,nr_inodes=100") as disk:
        environment = {"ISA_ENGINE_TOKEN": TOKEN, "ISA_ENGINE_FREE_GIB": "0", "STUB_PACE": "0.05"}
        engine = RunningEngine(disk / "data", "--stop-with-stdin", **environment)
        ledger = Ledger(steps=20)
        try:
            send_and_wait_for_steps(engine, ledger)
            fillers = []
            with contextlib.suppress(OSError):
                while True:
                    fillers.append(disk / f"filler-{len(fillers)}")
                    fillers[-1].touch()
            eventually(
                lambda: engine.client.health().trouble, "the queue stands still and says why", PATIENCE
            )
            for filler in fillers:
                filler.unlink(missing_ok=True)
            return ledger.settle(engine, 1)
        finally:
            engine.end()


def move_the_clock(folder: Path, *years: float) -> Outcome:
    """The clock jumps while jobs run, and again with each start of the engine; what is done must stay.

    The clock is that of the processes alone: Python's, in a module that each of them imports at its start.
    """
    (folder / "sitecustomize.py").write_text(
        "import os, pathlib, time\n"
        "_real, _jump = time.time, pathlib.Path(os.environ['CLOCK_FILE'])\n"
        "time.time = lambda: _real() + float(_jump.read_text())\n"
    )
    jump = folder / "jump"
    jump.write_text("0")
    environment = {
        "ISA_ENGINE_TOKEN": TOKEN,
        "STUB_PACE": "0.02",
        "STUB_TICK_SECONDS": "0.5",
        "PYTHONPATH": f"{folder}{os.pathsep}{os.getcwd()}",
        "CLOCK_FILE": str(jump),
    }
    ledger = Ledger(steps=30)
    engine = RunningEngine(folder / "data", "--stop-with-stdin", **environment)
    try:
        for each in years:
            send_and_wait_for_steps(engine, ledger)
            jump.write_text(str(each * _YEAR))
            client = engine.client
            eventually(lambda client=client: not client.jobs("queued"), "jobs go on", PATIENCE)
            engine.end()
            engine = RunningEngine(folder / "data", "--stop-with-stdin", **environment)
        return ledger.settle(engine, len(years))
    finally:
        engine.end()


def hang_workers(folder: Path) -> Outcome:
    """A worker stands still in the middle of a job, and another one between two."""
    environment = {
        "ISA_ENGINE_TOKEN": TOKEN,
        "ISA_ENGINE_SILENT_MINUTES": "0.2",
        "STUB_QUIET_MINUTES": "0.3",
        "STUB_PACE": "0.02",
    }
    engine = RunningEngine(folder / "data", "--stop-with-stdin", **environment)
    ledger = Ledger(steps=30)
    try:
        hanging = engine.client.submit(upload(HANGS_ONCE))
        ledger.send(engine.client)
        eventually(lambda: engine.client.job(hanging).state == "done", "another worker ends it", PATIENCE)
        send_and_wait_for_steps(engine, ledger)
        engine.client.delete(hanging)
        eventually(lambda: not (engine.data / "jobs" / hanging).exists(), "its files are gone", PATIENCE)
        [worker] = psutil.Process(engine.process.pid).children()
        worker.send_signal(signal.SIGSTOP)
        eventually(lambda: not worker.is_running(), "a worker that stands still in a job is ended", PATIENCE)
        ledger.settle(engine, 2)
        [worker] = psutil.Process(engine.process.pid).children()
        worker.send_signal(signal.SIGSTOP)
        ledger.send(engine.client)
        return ledger.settle(engine, 3)
    finally:
        engine.end()


def send_and_wait_for_steps(engine: RunningEngine, ledger: Ledger) -> None:
    """Several jobs come, and one of them is in the middle of its steps."""
    for _ in range(3):
        ledger.send(engine.client)
    eventually(lambda: any(job.step > 3 for job in engine.client.jobs("running")), "a job runs", PATIENCE)


def not_ready(engine: RunningEngine) -> str:
    """Why the engine says that it is not ready; "": it is."""
    shown = {"Authorization": f"Bearer {TOKEN}"}
    answer = requests.get(f"{engine.url}/v1/ready", headers=shown, timeout=20)
    return " ".join(answer.json()["reasons"]) if answer.status_code == 503 else ""
