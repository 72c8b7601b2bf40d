"""Long proofs: hostile documents and uploads, many clients.

usage: python -m pytest tests/service/test_proofs.py -m slow
"""

import contextlib
import json
import socket
import subprocess
import sys

import psutil
import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings

from tests.service.load import measure
from tests.service.running import eventually, upload
from tests.service.stub_engine import ENDLESS
from tests.service.test_api import mutated

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
    eventually(lambda: engine.client.health().device, "the worker is ready")
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


def test_two_hundred_clients_for_two_minutes(tmp_path):
    found = measure(tmp_path, 120)
    print(json.dumps(found))
    assert found["errors"] == []
    assert found["rounds"] > 200
    assert found["late"] - found["early"] < 32
    assert found["loaded"]["p99"] < 10 * found["unloaded"]["median"]


def test_a_thousand_idle_event_streams(run_engine):
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
