"""Long proofs: hostile documents and uploads, many clients, a disk that fills up, a clock that is set back.

usage: python -m pytest tests/service/test_proofs.py tests/service/test_kills.py -m slow
"""

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings

from tests.service.load import Load
from tests.service.running import RunningEngine, eventually, upload
from tests.service.stub_engine import ENDLESS, FAST
from tests.service.test_api import mutated
from tests.service.test_kills import checksums, finished, shot

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


def test_schemathesis_finds_no_5xx_and_nothing_that_the_document_does_not_say(run_engine, tmp_path):
    engine = run_engine(ISA_ENGINE_TOKEN="geheim")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{engine.url}/v1/openapi.json"),
            *("--header", "Authorization: Bearer geheim", "--max-examples", "100"),
            *("--checks", "not_a_server_error,status_code_conformance,content_type_conformance"),
            *("--exclude-path-regex", "events$", "--request-timeout", "20", "--no-color"),
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_ten_thousand_mutated_uploads_are_shots_or_refused_in_bounded_memory(run_engine):
    engine = run_engine(ISA_ENGINE_TOKEN="geheim")
    session = requests.Session()
    session.headers["Authorization"] = "Bearer geheim"
    service = psutil.Process(engine.process.pid)
    eventually(lambda: engine.client.health().device, "the worker is ready", 120)
    before = service.memory_info().rss
    reasons = set()

    @settings(
        max_examples=10_000,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(content=mutated())
    def sent(content):
        answer = session.post(f"{engine.url}/v1/jobs", data=content, timeout=60)
        # 429: the queue is as full as a token may have it.
        assert answer.status_code in (201, 422, 429), answer.text
        if answer.status_code == 422:
            reasons.add(answer.json()["error"][:40])

    sent()
    assert len(reasons) > 3
    assert service.memory_info().rss - before < 300 * 2**20
    assert engine.client.health().worker == "ready"


def test_two_hundred_clients_for_two_minutes(run_engine):
    engine = run_engine(ISA_ENGINE_TOKEN="geheim", ISA_ENGINE_JOBS_PER_TOKEN="100000", STUB_PACE="0.001")
    eventually(lambda: engine.client.health().device, "the worker is ready", 120)
    known = engine.client.submit(upload(FAST))
    list(engine.client.watch(known))
    service = psutil.Process(engine.process.pid)

    def probed(seconds: float) -> dict:
        probe = Load(engine, "probe", known)
        time.sleep(seconds)
        return probe.end()

    unloaded = probed(15)
    clients = [Load(engine, "clients", "50") for _ in range(4)]
    time.sleep(20)
    early = service.memory_info().rss
    loaded = probed(100)
    late = service.memory_info().rss
    found = [each.end() for each in clients]
    rounds, errors = sum(each["rounds"] for each in found), [e for each in found for e in each["errors"]]
    print(json.dumps({"unloaded": unloaded, "loaded": loaded, "rounds": rounds}))
    print(json.dumps({"early MiB": early / 2**20, "late MiB": late / 2**20}))
    assert errors == []
    assert rounds > 200
    assert late - early < 32 * 2**20
    assert loaded["p99"] < 10 * unloaded["median"]


def test_a_thousand_idle_event_streams(run_engine):
    import socket

    engine = run_engine(ISA_ENGINE_TOKEN="geheim")
    job = engine.client.submit(upload(ENDLESS))
    eventually(lambda: engine.client.job(job).state == "running", "it runs")
    host, port = engine.url.removeprefix("http://").split(":")
    request = f"GET /v1/jobs/{job}/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer geheim\r\n\r\n"
    with contextlib.ExitStack() as streams:
        for _ in range(1000):
            stream = streams.enter_context(socket.create_connection((host, int(port)), timeout=60))
            stream.sendall(request.encode())
            assert stream.recv(4096).startswith(b"HTTP/1.1 200")
        assert engine.client.job(job).state == "running"
        engine.client.cancel(job)
        assert list(engine.client.watch(job))[-1].state == "cancelled"


def filling_disk(folder: Path, options: str = "size=256m"):
    """A small file system; skipped where it cannot be mounted."""
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True)
    if made.returncode:
        pytest.skip(f"mounting takes rights that are missing here: {made.stderr.decode().strip()}")


def test_a_disk_that_fills_up_loses_nothing(engine, tmp_path):
    twin = [engine.client.submit(shot(number, 100)) for number in range(4)]
    eventually(lambda: finished(engine.client, twin), "the undisturbed jobs are done", 120)
    expected = checksums(engine, twin)
    data = tmp_path / "disk"
    filling_disk(data)
    try:
        environment = {"ISA_ENGINE_TOKEN": "geheim", "ISA_ENGINE_FREE_GIB": "0.02", "STUB_PACE": "0.05"}
        small = RunningEngine(data, "--stop-with-stdin", **environment)
        jobs = [small.client.submit(shot(number, 100)) for number in range(4)]
        eventually(lambda: small.client.job(jobs[0]).step > 5, "the first job runs", 60)
        with (data / "filler").open("wb") as filler, contextlib.suppress(OSError):
            while True:
                filler.write(bytes(2**16))
                filler.flush()
        with pytest.raises(Exception, match="disk is full"):
            small.client.submit(shot(9, 100))
        answer = requests.get(f"{small.url}/v1/ready", headers={"Authorization": "Bearer geheim"}, timeout=20)
        assert (answer.status_code, "Free some space" in answer.text) == (503, True)
        (data / "filler").unlink()
        eventually(lambda: finished(small.client, jobs), "all jobs are over", 120)
        assert [small.client.job(job).state for job in jobs] == ["done"] * 4
        assert checksums(small, jobs) == expected
        small.end()
    finally:
        subprocess.run(["umount", "-l", data], check=True)


def test_a_disk_without_inodes_loses_nothing(tmp_path):
    data = tmp_path / "disk"
    filling_disk(data, "size=64m,nr_inodes=100")
    try:
        environment = {"ISA_ENGINE_TOKEN": "geheim", "ISA_ENGINE_FREE_GIB": "0", "STUB_PACE": "0.1"}
        small = RunningEngine(data, "--stop-with-stdin", **environment)
        jobs = [small.client.submit(shot(number, 20)) for number in range(2)]
        eventually(lambda: small.client.job(jobs[0]).step > 2, "the first job runs", 120)
        fillers = []
        with contextlib.suppress(OSError):
            while True:
                fillers.append(data / f"filler-{len(fillers)}")
                fillers[-1].touch()
        eventually(lambda: small.client.health().trouble, "the queue stands still and says why", 60)
        assert not any(small.client.job(job).over for job in jobs)
        for filler in fillers:
            filler.unlink(missing_ok=True)
        eventually(lambda: finished(small.client, jobs), "all jobs are over", 300)
        assert [small.client.job(job).state for job in jobs] == ["done"] * 2
        small.end()
    finally:
        subprocess.run(["umount", "-l", data], check=True)


def test_a_clock_that_is_set_back_loses_nothing(engine, run_engine, tmp_path):
    # The clock of the processes alone: Python's, in a module that each of them imports at its start.
    (tmp_path / "sitecustomize.py").write_text(
        "import os, time\n"
        "_real, _back = time.time, os.environ['CLOCK_FILE']\n"
        "time.time = lambda: _real() - (86400 * 365 if os.path.exists(_back) else 0)\n"
    )
    twin = [engine.client.submit(shot(number, 60)) for number in range(3)]
    eventually(lambda: finished(engine.client, twin), "the undisturbed jobs are done", 120)
    environment = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{os.getcwd()}", "CLOCK_FILE": str(tmp_path / "back")}
    other = run_engine(STUB_PACE="0.02", ISA_ENGINE_TOKEN="geheim", **environment)
    jobs = [other.client.submit(shot(number, 60)) for number in range(2)]
    eventually(lambda: other.client.job(jobs[0]).step > 5, "the first job runs", 60)
    (tmp_path / "back").touch()
    jobs.append(other.client.submit(shot(2, 60)))
    eventually(lambda: finished(other.client, jobs), "all jobs are over", 120)
    assert [job.id for job in other.client.jobs()] == jobs[::-1]
    assert other.client.job(jobs[2]).created < other.client.job(jobs[0]).created
    assert checksums(other, jobs) == checksums(engine, twin)
