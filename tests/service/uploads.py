"""Many uploads, two of three damaged: how each is answered, how the service grows, what they leave behind.

usage: python -m tests.service.uploads NUMBER        10,000 take some minutes; one line of JSON comes out

What becomes a job is cancelled, and deleted once it is over. Memory is in MiB: when the first tenth is done,
and at the end.
"""

import contextlib
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

import psutil
import requests

from isa_engine.service.files.folders import Folders
from tests.service.running import RunningEngine, eventually, upload
from tests.service.stub_engine import FAST

TABLES = ("jobs", "results", "events", "removals", "strays")


def mutated(content: bytes, random: Random) -> bytes:
    """A file with some bytes changed, cut out or repeated."""
    changed = bytearray(content)
    for _ in range(random.randint(1, 8)):
        start = random.randrange(max(1, len(changed)))
        end = min(len(changed), start + random.randint(1, 200))
        changed[start:end] = random.choice(
            (random.randbytes(min(4, end - start)) + changed[start + 4 : end], b"", changed[start:end] * 2)
        )
    return bytes(changed)


def send(folder: Path, number: int) -> dict:
    """Send so many to an engine whose data folder is ``folder``, and end it."""
    # What the shots ask for is that of the stub.
    whole = [upload(FAST, steps=steps) for steps in range(1, 30)]
    random, statuses, reasons, early = Random(0), Counter(), set(), 0.0
    environment = {"ISA_ENGINE_TOKEN": "geheim", "ISA_ENGINE_JOBS_PER_TOKEN": str(number + 1)}
    engine = RunningEngine(folder, "--stop-with-stdin", stderr=subprocess.DEVNULL, **environment)
    try:
        eventually(lambda: engine.client.health().device, "the worker is ready")
        service = psutil.Process(engine.process.pid)
        began = time.perf_counter()
        with requests.Session() as session:
            session.headers["Authorization"] = "Bearer geheim"
            for k in range(number):
                content = random.choice(whole)
                answer = session.post(
                    f"{engine.url}/v1/jobs", data=mutated(content, random) if k % 3 else content, timeout=60
                )
                statuses[answer.status_code] += 1
                if answer.status_code == 201:
                    engine.client.cancel(answer.json()["id"])
                else:
                    reasons.add(answer.json()["error"][:40])
                if k == number // 10:
                    early = service.memory_info().rss
        seconds, late = time.perf_counter() - began, service.memory_info().rss
        while jobs := engine.client.jobs():
            for job in jobs:
                list(engine.client.watch(job.id))
                engine.client.delete(job.id)
        with contextlib.closing(sqlite3.connect(f"file:{Folders(folder).queue}?mode=ro", uri=True)) as queue:
            rows = {table: queue.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}
    finally:
        engine.end()
    return {
        "seconds": seconds,
        "statuses": statuses,
        "reasons": len(reasons),
        "early": early / 2**20,
        "late": late / 2**20,
        "rows": rows,
        "files": sorted(
            str(path.relative_to(folder))
            for part in ("uploads", "jobs")
            for path in (folder / part).rglob("*")
        ),
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(send(Path(folder) / "data", int(sys.argv[1]))))


if __name__ == "__main__":
    main()
