"""The service as a process: how it starts, and that it always ends, with its worker."""

import errno
import json
import os
import re
import signal
import socket
import subprocess
import sys

import pytest

import isa_engine
from isa_engine.client import EngineClient
from isa_engine.errors import EngineError
from isa_engine.service.http.access import check_exposure
from isa_engine.service.server import _listen, _take_up
from tests.service.running import LONG, STUB, RunningEngine, alive, eventually, upload
from tests.service.stub_engine import ENDLESS


def test_the_first_line_says_where_the_engine_is_and_how_to_get_in(engine):
    line = engine.first_line
    assert set(line) == {"url", "token", "identity", "version"}
    assert line["url"].startswith("http://127.0.0.1:")
    assert len(line["token"]) >= 32
    assert line["version"] == isa_engine.__version__ == engine.client.health().version


def test_every_run_has_its_own_token_and_a_chosen_one_is_not_repeated(run_engine, engine):
    chosen = run_engine(ISA_ENGINE_TOKEN="chosen-by-the-studio")
    assert chosen.first_line["token"] is None
    assert chosen.client.health().version == isa_engine.__version__
    with pytest.raises(EngineError, match="refuses the token"):
        EngineClient(chosen.url, engine.first_line["token"]).health()


def test_a_disk_that_is_full_at_the_start_is_said(store, folders, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(store, "recover", full)
    with pytest.raises(EngineError, match=r"No space left on device \(.*\)\. Give its folder room"):
        _take_up(store, folders, range(1), 30)


def start_job(engine: RunningEngine) -> int:
    pid = engine.worker_pid()
    job = engine.client.submit(upload(ENDLESS))
    eventually(lambda: engine.client.job(job).state == "running", "the job runs")
    return pid


@pytest.mark.parametrize("way", ["stdin", signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_however_the_service_ends_nothing_of_it_is_left_but_its_data(run_engine, tmp_path, way):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    engine = run_engine(TMPDIR=str(scratch))
    worker = start_job(engine)
    if way == "stdin":
        engine.process.stdin.close()
    else:
        engine.process.send_signal(way)
    code = engine.process.wait(LONG)
    eventually(lambda: not alive(worker), "the worker ends")
    assert (code == 0) == (way != signal.SIGKILL)
    assert list(scratch.iterdir()) == []


def test_the_service_ends_with_its_owner_however_that_ends(tmp_path):
    owner = (
        "import subprocess, sys\n"
        f"command = [sys.executable, {str(STUB)!r}, 'serve', '--port', '0', '--stop-with-stdin']\n"
        "engine = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "print(engine.pid, engine.stdout.readline().decode(), flush=True)\n"
        "engine.wait()\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", owner], stdout=subprocess.PIPE, env=environment) as process:
        pid, _, line = process.stdout.readline().decode().partition(" ")
        first = json.loads(line)
        client = EngineClient(first["url"], first["token"])
        worker = int(eventually(lambda: client.health().device, "the worker is ready").removeprefix("stub:"))
        assert alive(int(pid))
        assert list(tmp_path.iterdir()) != []
        process.kill()
        eventually(lambda: not alive(int(pid)) and not alive(worker), "service and worker end")
    assert list(tmp_path.iterdir()) == [], "a queue without --data goes with the engine"


def test_an_idle_client_and_a_client_in_the_middle_of_its_upload_do_not_hold_the_service_up(
    run_engine, capfd
):
    engine = run_engine()
    engine.client.health()
    host, port = engine.url.removeprefix("http://").split(":")
    request = f"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {engine.first_line['token']}\r\n"
    with socket.create_connection((host, int(port))) as slow:
        slow.sendall(f"{request}Content-Length: 1000\r\n\r\nPK".encode())
        eventually(lambda: list((engine.data / "uploads").iterdir()), "the upload has begun")
        assert engine.end() == 0
    said = capfd.readouterr().err
    assert "graceful shutdown exceeded" in said
    assert "Traceback" not in said


def refused(*options: str, **environment: str) -> str:
    """What the engine says on stderr, and nothing on stdout, when it will not start."""
    done = subprocess.run(
        [sys.executable, "-m", "isa_engine.cli", "serve", *options],
        env={**{k: v for k, v in os.environ.items() if k != "ISA_ENGINE_TOKEN"}, **environment},
        capture_output=True,
        text=True,
        timeout=LONG,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    return done.stderr


def test_an_address_that_others_can_reach_is_refused_without_a_token(tmp_path):
    assert "Set ISA_ENGINE_TOKEN" in refused(
        "--host", "0.0.0.0", "--port", "0", "--data", str(tmp_path / "data")
    )
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("localhost", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.5", False),
        ("render.example", False),
        ("", False),
    ],
)
def test_only_loopback_may_do_without_a_token_of_the_owners(host, is_loopback):
    check_exposure(host, token_chosen=True, protected=True)
    if is_loopback:
        check_exposure(host, token_chosen=False, protected=False)
    else:
        with pytest.raises(EngineError, match="has no token"):
            check_exposure(host, token_chosen=False, protected=True)
        with pytest.raises(EngineError, match="travel in the clear"):
            check_exposure(host, token_chosen=True, protected=False)


def test_a_port_in_use_and_a_folder_in_use_are_sentences(engine, tmp_path):
    port = engine.url.rpartition(":")[2]
    said = refused("--port", port, "--data", str(tmp_path))
    assert re.match(rf"isa-engine: cannot listen: .* 127\.0\.0\.1:{port}\. Choose another --port", said)
    assert "another engine uses this folder" in refused("--port", "0", "--data", str(engine.data))


def test_answers_do_not_wait_for_their_own_first_packet_to_be_acknowledged():
    with _listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
