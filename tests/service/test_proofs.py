"""Long proofs: hostile documents and uploads, many clients.

usage: python -m pytest tests/service/test_proofs.py -m slow
"""

import contextlib
import json
import socket
import subprocess
import sys

import pytest

from tests.service.load import measure
from tests.service.running import eventually, upload
from tests.service.stub_engine import ENDLESS
from tests.service.uploads import send

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


def test_ten_thousand_mutated_uploads_are_shots_or_refused_in_bounded_memory(tmp_path):
    found = send(tmp_path / "data", 10_000)
    print(json.dumps(found))
    assert set(found["statuses"]) == {201, 422}
    assert found["reasons"] > 3
    assert found["late"] - found["early"] < 32
    assert set(found["rows"].values()) == {0}
    assert found["files"] == []


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
