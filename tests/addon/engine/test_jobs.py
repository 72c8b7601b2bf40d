"""A job as Blender sees it: it always ends, in time, and says how; nothing here needs Blender."""

import contextlib
import math
import os
import shutil
import signal
import socket
import sqlite3
import sys
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from isa_blender_addon.engine import jobs, process
from isa_blender_addon.engine.jobs import JobRunner
from isa_blender_addon.engine.orders import keep_log
from isa_blender_addon.engine.process import EngineStatus, LocalEngine, RemoteEngine
from isa_blender_addon.engine.snapshot import JobSnapshot
from isa_engine.client import EngineClient
from isa_engine.client.protocol import RESULTS
from isa_engine.service.queue.store import JobStore
from isa_engine.shot import encode_shot
from tests.full_disk import room_for
from tests.service.running import (
    COMMAND,
    LONG,
    RunningEngine,
    alive,
    eventually,
    held,
    shot_of_kind,
    upload,
)
from tests.service.stub_engine import BROKEN, ENDLESS, FAST, KILLED


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A running engine with the stub for a worker; tests share it and leave no job in it."""
    engine = RunningEngine(tmp_path_factory.mktemp("engine"), "--stop-with-stdin")
    yield engine
    engine.end()


@pytest.fixture
def remote(running) -> RemoteEngine:
    return RemoteEngine(running.url, running.first_line["token"])


@pytest.fixture
def local(tmp_path, monkeypatch):
    """An engine of Blender's own, with the stub for a worker."""
    monkeypatch.setattr(process, "ENGINE", COMMAND)
    engine = LocalEngine(tmp_path / "engine.log", sys.executable)
    engine.start()
    yield engine
    engine.stop()


def started(engine, kind: int, folder: Path, steps: int = 3, patience: float = LONG) -> JobRunner:
    runner = JobRunner(engine, lambda: upload(kind, steps), folder, patience=patience)
    runner.start()
    return runner


def ended(runner: JobRunner) -> JobSnapshot:
    snapshot = runner.wait(LONG)
    assert snapshot.over
    assert not runner._thread.is_alive()
    return snapshot


def reached(runner: JobRunner, state: str) -> JobSnapshot:
    return eventually(lambda: (s := runner.snapshot()).state == state and s, f"the job is {state}")


def test_a_shot_goes_out_and_its_results_come_back(remote, tmp_path):
    runner = started(remote, FAST, tmp_path / "new" / "take")
    snapshot = ended(runner)
    assert (snapshot.state, snapshot.error) == ("done", "")
    assert {file.name for file in (tmp_path / "new" / "take").iterdir()} - {"preview.png"} == set(RESULTS)
    assert (tmp_path / "new" / "take" / "plate.mp4").read_bytes().startswith(b"plate.mp4 of isa-tiny")


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


def test_whoever_starts_a_job_or_looks_at_it_or_cancels_it_is_never_held_up(remote, tmp_path):
    released = threading.Event()
    runner = JobRunner(remote, lambda: released.wait() and upload(FAST), tmp_path / "take")
    runner.start()
    assert not runner.snapshot().over
    runner.cancel()
    # We are here, though the job's thread has waited all the while.
    released.set()
    assert ended(runner).state == "cancelled"


def test_progress_can_be_read_at_any_time(remote, tmp_path):
    runner = started(remote, ENDLESS, tmp_path / "take", steps=4)
    snapshot = eventually(lambda: (s := runner.snapshot()).preview and s, "there is a preview")
    assert (snapshot.state, snapshot.phase, snapshot.steps) == ("running", "denoise", 4)
    assert snapshot.preview.read_bytes().startswith(b"\x89PNG")
    runner.cancel()
    assert ended(runner).state == "cancelled"


def test_cancelling_a_running_job_ends_it_there_too_and_brings_nothing(remote, running, tmp_path):
    runner = started(remote, ENDLESS, tmp_path / "take")
    reached(runner, "running")
    runner.cancel()
    assert ended(runner).state == "cancelled"
    assert {file.name for file in (tmp_path / "take").iterdir()} <= {"preview.png"}
    assert ended(started(remote, FAST, tmp_path / "next")).state == "done", "the worker is free again"


def test_cancelling_a_queued_job_ends_it_at_once(remote, tmp_path):
    first = started(remote, ENDLESS, tmp_path / "first")
    reached(first, "running")
    second = started(remote, FAST, tmp_path / "second")
    reached(second, "queued")
    second.cancel()
    assert ended(second).state == "cancelled"
    assert first.snapshot().state == "running"
    first.cancel()
    ended(first)


def test_a_job_that_waits_at_the_engine_says_why(running, remote, tmp_path, monkeypatch):
    first = started(remote, ENDLESS, tmp_path / "first")
    reached(first, "running")
    second = started(remote, FAST, tmp_path / "second")
    reached(second, "queued")
    with contextlib.closing(JobStore(running.data / "queue.sqlite3")) as store:
        # As the service does where the host has been ill for a while.
        eventually(
            lambda: (
                store.tell_waiting("The engine's disk is full.")
                or second.snapshot().error == "The engine's disk is full."
            ),
            "it says why",
        )
    first.cancel()
    snapshot = ended(second)
    assert (snapshot.state, snapshot.error) == ("done", "")


def test_an_engine_holds_a_job_goes_on_and_is_told_other_words(running, remote, tmp_path):
    runner = started(remote, ENDLESS, tmp_path / "Sc 010")
    job = reached(runner, "running").job
    assert running.client.job(job).name == "Sc 010"
    runner.order(EngineClient.hold)
    reached(runner, "held")
    runner.order(lambda client, job: client.change(job, priority=9, comment="not before noon"))
    eventually(lambda: runner.snapshot().comment == "not before noon", "it is told")
    assert running.client.job(job).priority == 9
    runner.order(EngineClient.resume)
    reached(runner, "running")
    runner.order(keep_log(tmp_path / "Sc 010"))
    log = tmp_path / "Sc 010" / "log.txt"
    eventually(lambda: log.is_file() and "attempt 2 begins" in log.read_text(), "its log is here")
    runner.cancel()
    ended(runner)


def test_an_order_that_is_refused_says_why_and_the_job_goes_on(remote, tmp_path):
    runner = started(remote, ENDLESS, tmp_path / "take")
    reached(runner, "running")
    runner.order(EngineClient.resume)
    eventually(lambda: "Only what was held goes on" in runner.snapshot().said, "it says why")
    assert runner.snapshot().state == "running"
    runner.cancel()
    ended(runner)


def test_the_log_of_a_job_that_failed_is_here_without_asking(remote, tmp_path):
    ended(started(remote, BROKEN, tmp_path / "take"))
    assert "ZeroDivisionError" in (tmp_path / "take" / "log.txt").read_text()


def test_cancelling_while_the_engine_starts_never_sends_the_shot(tmp_path):
    class Starting:
        def poll(self):
            return EngineStatus("starting", "The engine is starting.")

    runner = started(Starting(), FAST, tmp_path / "take")
    runner.cancel()
    assert ended(runner).state == "cancelled"


def test_a_job_that_the_engine_cannot_do_says_why(remote, tmp_path):
    snapshot = ended(started(remote, BROKEN, tmp_path / "take"))
    assert snapshot.state == "failed"
    assert (
        snapshot.error == "The engine failed: ZeroDivisionError('secret of the engine'). Its log says more."
    )


def test_a_shot_that_is_not_whole_is_never_sent(remote, tmp_path):
    shot = replace(shot_of_kind(FAST), frame_numbers=shot_of_kind(FAST).frame_numbers[:0])
    runner = JobRunner(remote, lambda: encode_shot(shot), tmp_path / "take")
    runner.start()
    snapshot = ended(runner)
    assert (snapshot.state, snapshot.error) == (
        "failed",
        "the frame range is empty (shot). Set the end after the start.",
    )


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


def test_a_job_that_always_kills_its_worker_ends_with_a_sentence_and_the_next_one_works(remote, tmp_path):
    snapshot = ended(started(remote, KILLED, tmp_path / "take"))
    assert snapshot.state == "failed"
    assert "most likely out of memory" in snapshot.error
    assert ended(started(remote, FAST, tmp_path / "take")).state == "done"


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


def test_a_wrong_token_and_a_wrong_address_are_sentences(running, tmp_path):
    snapshot = ended(started(RemoteEngine(running.url, "wrong"), FAST, tmp_path / "take"))
    assert "refuses the token" in snapshot.error
    snapshot = ended(started(RemoteEngine("nonsense", "t"), FAST, tmp_path / "take"))
    assert snapshot.error.startswith("'nonsense' is not an engine's address.")


def test_a_full_disk_leaves_an_older_take_as_it_was(remote, tmp_path):
    take = tmp_path / "take"
    take.mkdir()
    for name in RESULTS:
        (take / name).write_text("older")
    # Each stub result is this name and 5,000 lines of it: plate.mp4 fits, record.json does not.
    checksum = "0" * 64
    with room_for(len(f"plate.mp4 of isa-tiny {checksum}\n") * 5_000):
        snapshot = ended(started(remote, FAST, take))
    assert snapshot.state == "failed"
    assert snapshot.error.startswith("cannot write record.json: ")
    assert f"({take}). Free some space" in snapshot.error
    files = {file.name: file.read_bytes() for file in take.iterdir() if file.name != "preview.png"}
    assert files == dict.fromkeys(RESULTS, b"older")


def test_a_folder_that_cannot_be_written_is_said_before_the_engine_works(remote, running, tmp_path):
    (tmp_path / "file").touch()
    snapshot = ended(started(remote, FAST, tmp_path / "file" / "take"))
    assert snapshot.state == "failed"
    assert str(tmp_path / "file") in snapshot.error


def test_a_plate_comes_though_its_folder_was_thrown_away_meanwhile(remote, tmp_path):
    take = tmp_path / "isa" / "take"

    def shot() -> bytes:
        shutil.rmtree(tmp_path / "isa")
        return upload(FAST)

    runner = JobRunner(remote, shot, take)
    runner.start()
    assert ended(runner).state == "done"
    assert {file.name for file in take.iterdir()} - {"preview.png"} == set(RESULTS)


def test_a_result_that_is_damaged_at_the_engine_ends_the_job_with_a_sentence(remote, running, tmp_path):
    """As after a power cut: the file is shorter than the checksum's."""
    job = running.client.submit(upload(FAST))
    eventually(lambda: running.client.job(job).over, "the job is done")
    (plate,) = (running.data / "jobs" / job).glob("results-*/plate.mp4")
    plate.write_bytes(b"")
    runner = JobRunner(remote, lambda: upload(FAST), tmp_path / "take", job=job, patience=math.inf)
    runner.start()
    snapshot = ended(runner)
    assert snapshot.state == "failed"
    assert snapshot.error.startswith("plate.mp4 has 0 of its")
    assert not (tmp_path / "take" / "plate.mp4").exists()


def test_a_job_that_an_earlier_version_made_comes_without_the_latents_that_it_lacks(
    remote, running, tmp_path
):
    job = running.client.submit(upload(FAST))
    eventually(lambda: running.client.job(job).over, "the job is done")
    (latents,) = (running.data / "jobs" / job).glob("results-*/latents.npy")
    latents.unlink()
    with contextlib.closing(sqlite3.connect(running.data / "queue.sqlite3")) as queue:
        queue.execute("DELETE FROM results WHERE job = ? AND name = 'latents.npy'", (job,))
        queue.commit()
    runner = JobRunner(remote, lambda: upload(FAST), tmp_path / "take", job=job)
    runner.start()
    assert ended(runner).state == "done"
    found = {path.name for path in (tmp_path / "take").iterdir()}
    assert found >= {"plate.mp4", "matte.mp4", "record.json", "shot.npz"}
    assert "latents.npy" not in found


def test_a_job_that_the_engine_does_not_know_is_not_sent_anew_unasked(remote, running, tmp_path):
    before = len(running.client.jobs())
    runner = JobRunner(remote, lambda: upload(FAST), tmp_path / "take", job="f" * 32)
    runner.start()
    snapshot = ended(runner)
    assert (snapshot.state, snapshot.job) == ("failed", "")
    assert "does not have this job any more. Go on to send it again" in snapshot.error
    assert len(running.client.jobs()) == before


def test_a_job_whose_engine_refuses_the_token_is_not_lost(running, tmp_path):
    job = running.client.submit(upload(FAST))
    runner = JobRunner(RemoteEngine(running.url, "wrong"), lambda: b"", tmp_path / "take", job=job)
    runner.start()
    snapshot = ended(runner)
    assert (snapshot.state, snapshot.job) == ("failed", job)
    assert "refuses the token" in snapshot.error


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


def test_an_unforeseen_mistake_is_shown_and_not_a_job_for_ever(remote, tmp_path, monkeypatch):
    monkeypatch.setattr(threading, "excepthook", lambda arguments: None)
    runner = JobRunner(remote, lambda: 1 / 0, tmp_path / "take")
    runner.start()
    snapshot = ended(runner)
    assert (snapshot.state, "ZeroDivisionError" in snapshot.error) == ("failed", True)
