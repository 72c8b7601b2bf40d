"""Engines that start, stay away, die, come back, or are somebody else."""

import math
import os
import signal
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from isa_blender_addon.engine import jobs, process
from isa_blender_addon.engine.process import EngineStatus, LocalEngine, RemoteEngine
from tests.addon.engine.runners import ended, reached, started
from tests.service.running import COMMAND, RunningEngine, alive, eventually, held
from tests.service.stub_engine import ENDLESS, FAST


def test_a_job_waits_for_an_engine_that_is_starting(tmp_path, monkeypatch):
    gate = tmp_path / "gate"
    monkeypatch.setattr(process, "ENGINE", held(gate, COMMAND))
    engine = LocalEngine(tmp_path / "engine.log", sys.executable)
    engine.start()
    runner = started(engine, FAST, tmp_path / "take")
    assert engine.poll().state == "starting"
    assert runner.snapshot().state == "waiting"
    gate.touch()
    assert ended(runner).state == "done"
    engine.stop()


def test_cancelling_while_the_engine_starts_never_sends_the_shot(tmp_path):
    class Starting:
        def poll(self):
            return EngineStatus("starting", "The engine is starting.")

    runner = started(Starting(), FAST, tmp_path / "take")
    runner.cancel()
    assert ended(runner).state == "cancelled"


@pytest.mark.parametrize("state", ["absent", "failed", "stopped"])
def test_an_engine_that_does_not_start_ends_the_job_with_its_message(tmp_path, state):
    class Engine:
        def poll(self):
            return EngineStatus(state, "The dog ate it.")

    snapshot = ended(started(Engine(), FAST, tmp_path / "take"))
    assert (snapshot.state, snapshot.error) == ("failed", "The dog ate it.")


def test_a_local_engine_that_is_killed_in_the_middle_of_a_job_ends_it_with_a_sentence(local, tmp_path):
    runner = started(local, ENDLESS, tmp_path / "take", patience=math.inf)
    reached(runner, "running")
    os.kill(local._process.pid, signal.SIGKILL)
    snapshot = ended(runner)
    assert snapshot.state == "failed"
    assert snapshot.error.startswith("The engine stopped by itself")


def test_a_local_engine_that_is_stopped_in_the_middle_of_a_job_ends_it_with_a_sentence(local, tmp_path):
    runner = started(local, ENDLESS, tmp_path / "take")
    reached(runner, "running")
    local.stop()
    snapshot = ended(runner)
    assert (snapshot.state, snapshot.error) == ("failed", "The engine is not running.")


def test_a_remote_engine_that_goes_away_for_good_ends_the_job(tmp_path):
    engine = RunningEngine(tmp_path / "data", "--stop-with-stdin")
    remote = RemoteEngine(engine.url, engine.first_line["token"])
    runner = started(remote, ENDLESS, tmp_path / "take", patience=0.5)
    reached(runner, "running")
    engine.end()
    snapshot = ended(runner)
    assert snapshot.state == "failed"
    assert snapshot.error.startswith(f"the engine does not answer ({engine.url}).")


def test_a_remote_engine_that_comes_back_goes_on_with_the_job(tmp_path):
    token = {"ISA_ENGINE_TOKEN": "the-studio's"}
    engine = RunningEngine(tmp_path / "data", "--stop-with-stdin", **token)
    port = engine.url.rpartition(":")[2]
    runner = started(RemoteEngine(engine.url, "the-studio's"), ENDLESS, tmp_path / "take")
    reached(runner, "running")
    engine.process.kill()
    engine.process.wait()
    engine = RunningEngine(tmp_path / "data", "--port", port, "--stop-with-stdin", **token)
    worker = engine.worker_pid()
    eventually(lambda: engine.client.job(runner_job(tmp_path)).state == "running", "the job runs again")
    assert not runner.snapshot().over
    runner.cancel()
    assert ended(runner).state == "cancelled"
    engine.end()
    assert not alive(worker)


def runner_job(tmp_path: Path) -> str:
    (folder,) = (tmp_path / "data" / "jobs").iterdir()
    return folder.name


@pytest.mark.parametrize("says_nothing", [True, False])
def test_nobody_at_the_remote_address(tmp_path, says_nothing, monkeypatch):
    monkeypatch.setattr(jobs, "ANSWER_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        if not says_nothing:
            listener.close()
        snapshot = ended(started(RemoteEngine(url, "t"), FAST, tmp_path / "take", patience=0.5))
    assert snapshot.state == "failed"
    assert ("did not answer within" if says_nothing else "does not answer") in snapshot.error


def test_a_wrong_token_and_a_wrong_address_are_sentences(engine, tmp_path):
    snapshot = ended(started(RemoteEngine(engine.url, "wrong"), FAST, tmp_path / "take"))
    assert "refuses the token" in snapshot.error
    snapshot = ended(started(RemoteEngine("nonsense", "t"), FAST, tmp_path / "take"))
    assert snapshot.error.startswith("'nonsense' is not an engine's address.")


def test_another_program_at_a_dead_engines_port_gets_neither_token_nor_shot(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.5)
        ready = EngineStatus("ready", "", f"http://127.0.0.1:{listener.getsockname()[1]}", "token")
        states = iter([ready])

        class Killed:
            """Its process ends just after it was ready."""

            def poll(self):
                return next(states, EngineStatus("failed", "The engine stopped by itself."))

        assert ended(started(Killed(), FAST, tmp_path / "take")).error == "The engine stopped by itself."
        with pytest.raises(TimeoutError):
            listener.accept()


def test_another_program_at_the_port_of_an_engine_that_seems_to_live_gets_neither(tmp_path):
    heard = []

    class Stranger(BaseHTTPRequestHandler):
        def do_GET(self):
            heard.append((self.path, dict(self.headers)))
            content = b'{"proof": "%s"}' % (b"0" * 64)
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments):
            pass

    with HTTPServer(("127.0.0.1", 0), Stranger) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        ready = EngineStatus("ready", "", f"http://127.0.0.1:{server.server_port}", "geheim", "identity")
        engine = SimpleNamespace(poll=lambda: ready, private=True)
        snapshot = ended(started(engine, FAST, tmp_path / "take"))
        server.shutdown()
    assert snapshot.state == "failed"
    assert "another program answers there" in snapshot.error
    assert heard
    assert all(path.startswith("/v1/identity") and "Authorization" not in head for path, head in heard)
