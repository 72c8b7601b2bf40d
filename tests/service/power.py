"""Power cuts: a file system in a file, and what its disk had at a moment.

The copy of a disk holds what was written to it and nothing that the system still keeps in memory, as after a
power cut. The system is told to keep all it can: the journal is committed every ten minutes, and
no rename has its content written early. So what outlives the cut is what was flushed.
"""

import contextlib
import hashlib
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from isa_engine.client.protocol import RESULTS
from tests.service.running import RunningEngine, eventually
from tests.service.stub_engine import results_of
from tests.service.test_kills import shot

TOKEN = "chosen"
_MIB = 48
_OPTIONS = "loop,commit=600,noauto_da_alloc"


@contextlib.contextmanager
def disk(image: Path, folder: Path, make: bool = False) -> Iterator[Path]:
    """A file system in a file, mounted; skipped where that takes rights that are missing."""
    folder.mkdir(exist_ok=True)
    if make:
        with image.open("wb") as file:
            file.truncate(_MIB * 2**20)
        done = subprocess.run(["mkfs.ext4", "-q", "-F", image], capture_output=True)
        if done.returncode:
            pytest.skip(f"no file system can be made here: {done.stderr.decode().strip()}")
    mounted = subprocess.run(["mount", "-o", _OPTIONS, image, folder], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"mounting takes rights that are missing here: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@contextlib.contextmanager
def stopped(engine: RunningEngine) -> Iterator[None]:
    """Service and worker at a standstill, so that no write of theirs comes between the parts of a copy."""
    service = psutil.Process(engine.process.pid)
    processes = [service, *service.children(recursive=True)]
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.suspend()
    try:
        yield
    finally:
        for process in reversed(processes):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)


def cut_the_power(folder: Path, cuts: int, seed: int, **environment: str) -> None:
    """Jobs run on a disk whose power is cut again and again; nothing that was answered for may be missing.

    Args:
        environment: of the engine before the cut; the one that finds the disk afterwards is as it should be.

    Raises:
        AssertionError: something is.
    """
    moment, sent = random.Random(seed), {}
    environment = {"ISA_ENGINE_FREE_GIB": "0", "ISA_ENGINE_TOKEN": TOKEN, **environment}
    with disk(folder / "image", folder / "disk", make=True) as mounted:
        engine = RunningEngine(mounted / "data", "--stop-with-stdin", STUB_PACE="0.01", **environment)
        try:
            engine.worker_pid()
            subprocess.run(["sync", "-f", mounted], check=True)
            for number in range(cuts):
                sent[engine.client.submit(shot(number, 20))] = number
                time.sleep(moment.uniform(0, 0.6))
                done = {job for job in sent if engine.client.job(job).state == "done"}
                with stopped(engine):
                    shutil.copyfile(folder / "image", folder / "cut")
                with disk(folder / "cut", folder / "after") as after:
                    _hold_against(after / "data", sent, done)
                for job in sorted(done)[:-3]:
                    engine.client.delete(job)
                    del sent[job]
        finally:
            engine.end()


def _hold_against(data: Path, sent: dict[str, int], done: set[str]) -> None:
    """Start an engine on what is left.

    Args:
        sent: numbers of the shots by their jobs, all of which were answered for.
        done: jobs of which it was said.
    """
    engine = RunningEngine(data, "--stop-with-stdin", ISA_ENGINE_TOKEN=TOKEN, ISA_ENGINE_FREE_GIB="0")
    try:
        states = {job.id: job.state for job in engine.client.jobs(limit=200)}
        assert set(states) >= set(sent), "a job that was answered for is gone"
        assert {states[job] for job in done} <= {"done"}, "a job that was done is not"
        for job, number in sent.items():
            eventually(lambda job=job: engine.client.job(job).over, "it is over", 60)
            assert engine.client.job(job).state == "done", engine.client.job(job).error
            expected = {name: _digest(content) for name, content in results_of(shot(number, 20)).items()}
            assert {file.name: file.sha256 for file in engine.client.results(job)} == expected
            for name in RESULTS:
                engine.client.fetch(job, name, data / "fetched")
                assert _digest((data / "fetched").read_bytes()) == expected[name]
                os.unlink(data / "fetched")
    finally:
        engine.end()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
