"""The engine's process, as Blender owns it; nothing here needs Blender."""

import json
import os
import resource
import signal
import subprocess
import sys

import pytest

from isa_blender_addon.engine import process as process_module
from isa_blender_addon.engine.process import (
    LocalEngine,
    RemoteEngine,
    clean_environment,
    find_python,
    kill_tree,
    last_line,
    machine_memory,
    process_options,
    ready_status,
)
from isa_engine.client import EngineClient
from isa_engine.client.location import Installed, write_record
from tests.service.running import COMMAND, LONG, alive, eventually, held


def settled(engine: LocalEngine):
    return eventually(
        lambda: (s := engine.poll()).state != "starting" and s, "the engine is no longer starting"
    )


@pytest.fixture(autouse=True)
def own_place(tmp_path, monkeypatch):
    """No engine but those of the test."""
    monkeypatch.delenv("ISA_ENGINE_PYTHON", raising=False)
    for name in ("XDG_DATA_HOME", "HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """An engine that runs the stub, not started yet."""
    monkeypatch.setattr(process_module, "ENGINE", COMMAND)
    engine = LocalEngine(tmp_path / "cache" / "engine.log", sys.executable)
    yield engine
    engine.stop()


def runs(engine: LocalEngine, monkeypatch, *arguments: str):
    """The engine's command does something else."""
    monkeypatch.setattr(process_module, "ENGINE", arguments)
    engine.start()
    return settled(engine)


def test_an_engine_that_is_not_installed_is_absent_and_says_what_to_do(tmp_path):
    engine = LocalEngine(tmp_path / "engine.log")
    for _ in range(2):
        status = engine.poll()
        assert status.state == "absent"
        assert status.message == "No engine on this machine. Run install/engine.sh, or enter a remote engine."
        engine.start()
    engine.stop()
    assert not (tmp_path / "engine.log").exists()


def test_an_engine_that_is_installed_later_is_found(tmp_path, engine):
    engine.preference = ""
    engine.start()
    assert engine.poll().state == "absent"
    write_record(Installed(sys.executable, "0.1.0"))
    engine.start()
    assert settled(engine).state == "ready"


def test_starting_waits_for_nothing_and_ends_ready_with_a_way_in(engine, monkeypatch, tmp_path):
    gate = tmp_path / "gate"
    monkeypatch.setattr(process_module, "ENGINE", held(gate, COMMAND))
    assert engine.poll().state == "stopped"
    engine.start()
    # We are here, though the engine does not begin before the gate is open.
    assert engine.poll().state == "starting"
    gate.touch()
    status = settled(engine)
    assert status.state == "ready"
    assert EngineClient(status.url, status.token).health().version in status.message


def test_starting_twice_is_starting_once(engine):
    engine.start()
    engine.start()
    first = settled(engine)
    engine.start()
    assert engine.poll() == first


def test_stopping_ends_service_and_worker_and_a_new_start_is_another_engine(engine):
    engine.start()
    first = settled(engine)
    client = EngineClient(first.url, first.token)
    worker = int(eventually(lambda: client.health().device, "the worker is ready").removeprefix("stub:"))
    service = engine._process.pid
    engine.stop()
    assert engine.poll().state == "stopped"
    assert not alive(service)
    eventually(lambda: not alive(worker), "the worker ends")
    engine.stop()
    engine.start()
    assert settled(engine).token not in ("", first.token)


def test_an_engine_that_dies_has_failed_with_the_last_line_of_its_log(engine):
    engine.start()
    status = settled(engine)
    client = EngineClient(status.url, status.token)
    # Until then it writes to its log itself, over what is written here.
    eventually(lambda: client.health().device, "the worker is ready")
    with open(engine.log, "a") as log:
        log.write("the graphics card fell out\n\n")
    os.kill(engine._process.pid, signal.SIGKILL)
    eventually(lambda: engine.poll().state == "failed", "the death is seen")
    assert engine.poll().message == "The engine stopped by itself: the graphics card fell out"
    assert (engine.poll().url, engine.poll().token) == ("", "")
    engine.start()
    assert settled(engine).state == "ready"


def test_an_engine_that_cannot_run_says_why(engine, monkeypatch):
    status = runs(engine, monkeypatch, "-c", "import no_such_module")
    assert status.state == "failed"
    assert (
        status.message
        == "The engine stopped by itself: ModuleNotFoundError: No module named 'no_such_module'"
    )


def test_a_python_that_is_not_there_is_a_sentence(tmp_path):
    engine = LocalEngine(tmp_path / "engine.log", str(tmp_path / "python"))
    engine.start()
    assert engine.poll().state == "failed"
    assert f"{tmp_path / 'python'}: No such file or directory" in engine.poll().message
    assert "preferences" in engine.poll().message


def test_a_log_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").touch()
    engine = LocalEngine(tmp_path / "file" / "engine.log", sys.executable)
    engine.start()
    assert engine.poll().state == "failed"
    assert str(tmp_path / "file") in engine.poll().message


def test_an_engine_that_never_gets_ready_is_ended_in_time(engine, monkeypatch):
    monkeypatch.setattr(process_module, "START_SECONDS", 0.5)
    status = runs(engine, monkeypatch, "-c", "import signal; print('hello', flush=True); signal.pause()")
    assert status.state == "failed"
    assert status.message.startswith("The engine did not start within 0.5 s")
    assert engine._process.wait(LONG) != 0


def test_an_engine_that_does_not_listen_is_ended_with_all_it_started(engine, monkeypatch):
    monkeypatch.setattr(process_module, "STOP_SECONDS", 0.2)
    deaf = (
        "import signal, subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])\n"
        'print(\'{"url": "http://x", "token": "%s", "version": "1"}\' % child.pid, flush=True)\n'
        "signal.pause()"
    )
    status = runs(engine, monkeypatch, "-c", deaf)
    child = int(status.token)
    assert alive(child)
    engine.stop()
    eventually(lambda: not alive(child), "the child ends")


def test_chatter_before_and_after_the_first_line_does_no_harm(engine, monkeypatch):
    talker = (
        "print('Welcome!\\n[1]\\n{}'); import sys\n"
        'print(\'{"url": "http://x", "token": "t", "version": "1"}\', flush=True)\n'
        "print('x' * 10_000_000, flush=True)\n"
        "sys.stderr.write('said it all\\n'); sys.stdin.read()"
    )
    status = runs(engine, monkeypatch, "-c", talker)
    assert (status.state, status.url, status.token) == ("ready", "http://x", "t")
    eventually(lambda: last_line(engine.log) == "said it all", "the engine is not held up by its output")
    assert engine.poll() == status


def test_the_engine_ends_with_its_owner(tmp_path):
    owner = (
        "import signal, sys\n"
        "from pathlib import Path\n"
        "from isa_blender_addon.engine import process\n"
        "from tests.service.running import eventually\n"
        f"process.ENGINE = {COMMAND!r}\n"
        "engine = process.LocalEngine(Path(sys.argv[1]), sys.executable)\n"
        "engine.start()\n"
        "eventually(lambda: engine.poll().state != 'starting', 'the engine has started')\n"
        "print(engine._process.pid, flush=True)\n"
        "if sys.argv[2] == 'killed':\n"
        "    signal.pause()\n"
    )
    for end in ("killed", "by itself"):
        command = [sys.executable, "-c", owner, str(tmp_path / "engine.log"), end]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            pid = int(process.stdout.readline())
            if end == "killed":
                process.kill()
            eventually(lambda pid=pid: not alive(pid), f"the engine ends when its owner was {end}")


def test_the_engines_python_is_looked_for_in_this_order(tmp_path):
    python = tmp_path / "python"
    assert find_python("", {}) == ""
    write_record(Installed(str(python), "0.1.0"))
    assert find_python("", {}) == "", "a recorded engine that is gone is none"
    python.touch()
    assert find_python("", {}) == str(python)
    assert find_python("", {"ISA_ENGINE_PYTHON": "/from/environment"}) == "/from/environment"
    assert find_python("/from/preferences", {"ISA_ENGINE_PYTHON": "/from/environment"}) == "/from/preferences"


def test_blenders_own_python_settings_stay_with_blender():
    environment = {"PYTHONHOME": "/blender", "PYTHONPATH": "x", "PYTHONSAFEPATH": "1", "PATH": "/bin"}
    assert clean_environment({**environment, "ISA_ENGINE_TOKEN": "of a remote engine"}) == {"PATH": "/bin"}


def test_each_system_has_its_own_way_to_keep_the_engine_apart():
    assert process_options("linux") == process_options("darwin") == {"start_new_session": True}
    # CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW
    assert process_options("win32") == {"creationflags": 0x08000200}


def test_on_windows_the_service_is_ended_and_the_worker_follows_by_itself():
    class Process:
        killed = False

        def kill(self):
            self.killed = True

    process = Process()
    kill_tree(process, "win32")
    assert process.killed


@pytest.mark.parametrize("line", [b"", b"hello", b"[]", b"{}", b'{"url": "x"}', b"\xff", b"null"])
def test_lines_that_are_not_the_first_line(line):
    assert ready_status(line) is None


def test_the_first_line():
    said = {"url": "http://127.0.0.1:1", "token": "t", "identity": "i", "version": "0.1.0"}
    status = ready_status(json.dumps(said).encode())
    assert (status.state, status.url, status.token, status.identity) == ("ready", said["url"], "t", "i")


def test_a_remote_engine_is_taken_as_it_is():
    status = RemoteEngine("https://farm:8642", "t").poll()
    assert (status.state, status.url, status.token) == ("ready", "https://farm:8642", "t")


def test_this_machines_memory_is_what_the_system_says():
    assert machine_memory() > 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
