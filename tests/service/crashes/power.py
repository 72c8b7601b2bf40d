"""Power cuts: a file system in a file, and what its disk had at a moment.

The copy of a disk holds what was written to it and nothing that the system still keeps in memory, as after a
power cut.
"""

import contextlib
import random
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil

from isa_engine.client.protocol import JobStatus
from tests.service.crashes.disks import image
from tests.service.crashes.ledger import PATIENCE, TOKEN, Outcome, digests, expected, numbered
from tests.service.running import RunningEngine, eventually

_MIB, _STEPS = 48, 20
_ENVIRONMENT = {"ISA_ENGINE_FREE_GIB": "0", "ISA_ENGINE_TOKEN": TOKEN}


def cut_the_power(folder: Path, cuts: int, seed: int = 7, without: str = "") -> Outcome:
    """Jobs run on a disk whose power is cut again and again; each time an engine starts on what is left.

    Args:
        without: a defence of ``stub_engine.WITHOUT`` that is taken out of the engine before the cut, until
            something is lost. The engine that finds the disk afterwards is as it should be.
    """
    moment, sent, found = random.Random(seed), {}, Outcome(0, 0)
    environment = {**_ENVIRONMENT, "STUB_WITHOUT": without, "STUB_PACE": "0.01"}
    with image(folder / "image", folder / "disk", _MIB) as mounted:
        engine = RunningEngine(mounted / "data", "--stop-with-stdin", **environment)
        try:
            engine.worker_pid()
            for number in range(cuts):
                content = numbered(number, _STEPS)
                new = engine.client.submit(content)
                sent[new] = content
                # Half of the moments lie right after a job was said to be done: however busy the machine is,
                # the system has not yet written by itself what was not flushed.
                if moment.random() < 0.5:
                    eventually(lambda job=new: engine.client.job(job).state == "done", "it is done", PATIENCE)
                else:
                    time.sleep(moment.uniform(0, 0.6))
                done = {job for job in sent if engine.client.job(job).state == "done"}
                with _stopped(engine):
                    shutil.copyfile(folder / "image", folder / "cut")
                with image(folder / "cut", folder / "after") as after:
                    cut = _held_against(after / "data", sent, done)
                found = replace(
                    found,
                    tries=found.tries + 1,
                    jobs=found.jobs + 1,
                    struck=found.struck + len(sent) - len(done),
                    lost=found.lost + cut.lost,
                    twice=found.twice + cut.twice,
                    other=found.other + cut.other,
                )
                if without and not found.whole:
                    break
                for job in sorted(done)[:-3]:
                    engine.client.delete(job)
                    del sent[job]
        finally:
            engine.end()
    return found


def _held_against(data: Path, sent: dict[str, bytes], done: set[str]) -> Outcome:
    """Start an engine on what is left.

    Args:
        sent: the shots by their jobs, all of which were answered for.
        done: jobs of which it was said.
    """
    engine = RunningEngine(data, "--stop-with-stdin", **_ENVIRONMENT)
    try:
        there = {job.id: job for job in engine.client.jobs(limit=200)}
        lost = {job for job in sent if not _is(there.get(job), job in done)}
        for job in set(sent) - lost:
            eventually(lambda job=job: engine.client.job(job).over, "it is over", PATIENCE)
            if engine.client.job(job).state != "done":
                lost.add(job)
        other = {job for job in set(sent) - lost if not _whole(engine, job, sent[job])}
        return Outcome(1, len(sent), lost=len(lost), twice=len(set(there) - set(sent)), other=len(other))
    finally:
        engine.end()


def _is(status: JobStatus | None, done: bool) -> bool:
    """Whether a job that was answered for is there, and one that was done is done."""
    return status is not None and (not done or status.state == "done")


def _whole(engine: RunningEngine, job: str, content: bytes) -> bool:
    """Whether a job's results are as they must be, as they lie there and as they are handed out."""
    if digests(engine, job) != expected(content):
        return False
    for name in expected(content):
        engine.client.fetch(job, name, engine.data / "fetched")
        (engine.data / "fetched").unlink()
    return True


@contextlib.contextmanager
def _stopped(engine: RunningEngine) -> Iterator[None]:
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
