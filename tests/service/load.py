"""Load for a running engine, each part a process of its own, as it would be in a studio.

usage: python -m tests.service.load clients NUMBER      submit, watch and cancel until standard input ends
       python -m tests.service.load probe JOB           ask for one job's status until standard input ends

The engine is ``ISA_ENGINE_URL`` and ``ISA_ENGINE_TOKEN``. One line of JSON comes out at the end.
"""

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from isa_engine.client import EngineClient
from tests.service.running import RunningEngine, upload
from tests.service.stub_engine import FAST

PROBE_SECONDS = 0.05


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
    """One of these processes, until ``end``, which is what it found."""

    def __init__(self, engine: RunningEngine, *arguments: str):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.service.load", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "ISA_ENGINE_URL": engine.url, "ISA_ENGINE_TOKEN": "geheim"},
        )

    def end(self) -> dict:
        said, _ = self.process.communicate()
        return json.loads(said)


def main() -> None:
    role, argument = sys.argv[1:]
    ending = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ending.set()), daemon=True).start()
    if role == "clients":
        # Clients have machines of their own; here they take what engine and worker leave.
        os.nice(19)
    found = clients(int(argument), ending) if role == "clients" else probe(argument, ending)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
