"""Two hundred clients at an engine: how long a status takes meanwhile, and how much memory.

usage: python -m tests.service.load measure SECONDS          of this checkout, as JSON
       python -m tests.service.load against CHECKOUT         of this one and another, in turns, with ratios

Whoever asks is a process of its own, as it would be in a studio:
       python -m tests.service.load clients NUMBER SECONDS   submit, watch and cancel
       python -m tests.service.load probe JOB SECONDS        ask for one job's status
The engine is ``ISA_ENGINE_URL`` and ``ISA_ENGINE_TOKEN``. One line of JSON comes out at the end.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from isa_engine.client import EngineClient
from tests.service.running import RunningEngine, eventually, upload
from tests.service.stub_engine import FAST

TOKEN = "geheim"
PROCESSES, CLIENTS = 4, 50
PROBE_SECONDS, UNLOADED_SECONDS = 0.05, 15
# Turns of each version, so that what else the machine does hits both.
TURNS = 2
_ROOT = Path(__file__).parents[2]


def connect() -> EngineClient:
    return EngineClient(os.environ["ISA_ENGINE_URL"], os.environ["ISA_ENGINE_TOKEN"], seconds=120)


def clients(number: int, ending: threading.Event) -> dict:
    """Rounds of so many clients, of which every other one cancels what it sent, and their errors."""
    content, rounds, errors = upload(FAST, steps=2), [], []

    def client(cancels: bool) -> None:
        own = connect()
        while not ending.is_set():
            try:
                job = own.submit(content)
                if cancels:
                    own.cancel(job)
                assert list(own.watch(job))[-1].over
                rounds.append(job)
            except Exception as error:
                errors.append(repr(error))

    with ThreadPoolExecutor(number) as pool:
        for each in range(number):
            pool.submit(client, bool(each % 2))
    return {"rounds": len(rounds), "errors": errors}


def probe(job: str, ending: threading.Event) -> dict:
    """How long a status takes, in seconds: median, 99th percentile and number."""
    own, seconds = connect(), []
    while not ending.wait(PROBE_SECONDS):
        began = time.perf_counter()
        own.job(job)
        seconds.append(time.perf_counter() - began)
    percentiles = statistics.quantiles(seconds, n=100)
    return {"median": percentiles[49], "p99": percentiles[98], "number": len(seconds)}


class Load:
    """One of these processes, for so many seconds."""

    def __init__(self, engine: RunningEngine, *arguments: object):
        self.process = subprocess.Popen(
            [sys.executable, __file__, *map(str, arguments)],
            stdout=subprocess.PIPE,
            env={**os.environ, "ISA_ENGINE_URL": engine.url, "ISA_ENGINE_TOKEN": TOKEN},
        )

    def found(self) -> dict:
        """What it prints at its end."""
        return json.loads(self.process.communicate()[0])


def measure(folder: Path, seconds: float) -> dict:
    """An engine without and with its clients, for so many seconds; memory in MiB."""
    environment = {"ISA_ENGINE_TOKEN": TOKEN, "ISA_ENGINE_JOBS_PER_TOKEN": "100000", "STUB_PACE": "0.001"}
    engine = RunningEngine(folder / "data", "--stop-with-stdin", stderr=subprocess.DEVNULL, **environment)
    try:
        eventually(lambda: engine.client.health().device, "the worker is ready")
        known = engine.client.submit(upload(FAST))
        list(engine.client.watch(known))
        service = psutil.Process(engine.process.pid)
        unloaded = Load(engine, "probe", known, UNLOADED_SECONDS).found()
        # The clients are all there before the measure begins, and go after it.
        begun = [Load(engine, "clients", CLIENTS, seconds + 30) for _ in range(PROCESSES)]
        Load(engine, "probe", known, 20).found()
        early = service.memory_info().rss
        loaded = Load(engine, "probe", known, seconds).found()
        late = service.memory_info().rss
        found = [each.found() for each in begun]
    finally:
        engine.end()
    return {
        "unloaded": unloaded,
        "loaded": loaded,
        "rounds": sum(each["rounds"] for each in found),
        "errors": [error for each in found for error in each["errors"]],
        "early": early / 2**20,
        "late": late / 2**20,
    }


def against(checkout: Path) -> None:
    """Print what ``measure`` finds of another checkout and of this one, each with its own code."""
    found = {checkout: [], _ROOT: []}
    for _ in range(TURNS):
        for root, turns in found.items():
            done = subprocess.run(
                [sys.executable, __file__, "measure", str(120 / TURNS)],
                cwd=root,
                env={**os.environ, "PYTHONPATH": str(root)},
                stdout=subprocess.PIPE,
                check=True,
            )
            turns.append(json.loads(done.stdout))
            print(json.dumps({"checkout": str(root), **turns[-1]}), flush=True)
    for name, number in (
        ("p99, ms", lambda turn: 1000 * turn["loaded"]["p99"]),
        ("p99 without clients, ms", lambda turn: 1000 * turn["unloaded"]["p99"]),
        ("memory, MiB", lambda turn: turn["late"]),
        ("rounds", lambda turn: turn["rounds"]),
        ("errors", lambda turn: len(turn["errors"])),
    ):
        before, now = (statistics.mean(map(number, turns)) for turns in found.values())
        print(f"{name}: {before:.1f} before, {now:.1f} now, ratio {now / before if before else 0:.2f}")


def main() -> None:
    role, *arguments = sys.argv[1:]
    if role == "against":
        against(Path(arguments[0]).resolve())
        return
    if role == "measure":
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(measure(Path(folder), float(arguments[0]))))
        return
    ending = threading.Event()
    timer = threading.Timer(float(arguments[1]), ending.set)
    timer.start()
    if role == "clients":
        # Clients have machines of their own; here they take what engine and worker leave.
        os.nice(19)
    found = clients(int(arguments[0]), ending) if role == "clients" else probe(arguments[0], ending)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
