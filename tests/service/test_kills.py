"""``kill -9`` of worker and service at random moments: nothing lost, nothing twice, the same bytes."""

import contextlib
import hashlib
import os
import random
import signal
import time
import uuid
from dataclasses import replace

import pytest

from isa_engine.client import EngineClient, EngineUnreachable
from isa_engine.shot import Settings, encode_shot
from tests.service.running import RunningEngine, eventually
from tests.shot.shots import small_shot

TOKEN = "chosen"


def shot(number: int, steps: int) -> bytes:
    """Shots that differ, none of which asks the stub for anything special."""
    return encode_shot(replace(small_shot(), settings=Settings(seed=1000 + number, steps=steps)))


def finished(client: EngineClient, jobs: list[str]) -> bool:
    with contextlib.suppress(EngineUnreachable):
        return all(client.job(job).over for job in jobs)
    return False


def waiting(client: EngineClient) -> bool:
    """Jobs are in the queue and none runs."""
    with contextlib.suppress(EngineUnreachable):
        states = {job.state for job in client.jobs(limit=200)}
        return "queued" in states and "running" not in states
    return True


def checksums(engine: RunningEngine, jobs: list[str]) -> list[dict[str, str]]:
    """Of each job's results, as the files lie there; what the engine says of them must agree."""
    found = []
    for job in jobs:
        files = {file.name: file.sha256 for file in engine.client.results(job)}
        [folder] = (engine.data / "jobs" / job).glob("results-*")
        lying = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
        assert lying == files
        found.append(files)
    return found


def kill_and_compare(twin, run_engine, kills: int, jobs: int, steps: int, seed: int) -> None:
    random_moment = random.Random(seed)
    queued = [twin.client.submit(shot(number, steps)) for number in range(jobs)]
    eventually(lambda: finished(twin.client, queued), "the undisturbed jobs are done", 1200)
    expected = checksums(twin, queued)

    engine = run_engine(ISA_ENGINE_TOKEN=TOKEN, STUB_PACE="0.02")
    port = engine.url.rpartition(":")[2]
    keys, queued = [uuid.uuid4().hex for _ in range(jobs)], []
    for number in range(kills):
        # Jobs come all the time, and are sent again at the end, as by a client that never saw an answer.
        job, between = divmod(number, kills // jobs)
        if job < jobs and not between:
            with contextlib.suppress(EngineUnreachable):
                engine.client.submit(shot(job, steps), key=keys[job])
        # Most moments lie in the middle of a job, some between a start and the first job.
        if random_moment.random() < 0.8:
            eventually(lambda: not waiting(engine.client), "a job runs, or none waits", 600)  # noqa: B023
        time.sleep(random_moment.uniform(0, 0.4))
        if random_moment.random() < 0.5:
            pid = int((engine.client.health().device or "stub:0").removeprefix("stub:"))
            if pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        else:
            engine.process.kill()
            engine.process.wait()
            engine = run_engine("--port", port, ISA_ENGINE_TOKEN=TOKEN, STUB_PACE="0.02")
    queued = [engine.client.submit(shot(number, steps), key=keys[number]) for number in range(jobs)]
    eventually(lambda: finished(engine.client, queued), "all jobs are over", 1200)

    found = engine.client.jobs(limit=200)
    assert len(found) == jobs == len(set(queued)), "none lost, none twice"
    assert [engine.client.job(job).state for job in queued] == ["done"] * jobs
    assert checksums(engine, queued) == expected
    assert sorted(path.name for path in (engine.data / "jobs").iterdir()) == sorted(queued)
    assert any(status.attempt > 1 for status in found), "a kill hit a running job"


def test_a_few_kills_lose_nothing_and_change_nothing(engine, run_engine):
    kill_and_compare(engine, run_engine, kills=3, jobs=2, steps=50, seed=5)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_five_hundred_kills_at_random_moments_lose_nothing_and_change_nothing(engine, run_engine):
    kill_and_compare(engine, run_engine, kills=500, jobs=50, steps=40, seed=11)
