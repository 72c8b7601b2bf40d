"""Engines as processes, and conditions to wait for."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from dataclasses import replace
from pathlib import Path

import pytest

from isa_engine.client import EngineClient
from isa_engine.shot import Settings, Shot, encode_shot
from tests.shot.shots import small_shot

STUB = Path(__file__).with_name("stub_engine.py")
# In place of the engine's own command line.
COMMAND = (str(STUB), "serve", "--port", "0", "--stop-with-stdin")
# Seconds to wait for what takes one on an idle machine: on a busy one all is slow, and a test that fails for
# that tells nothing. Less than pytest's own limit, which does not say what was waited for.
LONG = 120
# Seconds after which what has a limit of less than one, and has not come to it, has none. A test of such a
# limit ends then; without the limit it never would.
BOUND = 60
_HELD = (
    "import os, sys, time\n"
    "while not os.path.exists(sys.argv[1]):\n"
    "    time.sleep(0.01)\n"
    "os.execv(sys.executable, [sys.executable, *sys.argv[2:]])"
)


def held(gate: Path, command: tuple[str, ...]) -> tuple[str, ...]:
    """Arguments for a Python that becomes one with these arguments once a file is there, and not before."""
    return ("-c", _HELD, str(gate), *command)


def shot_of_kind(kind: int, steps: int = 3) -> Shot:
    """A shot with which the stub does as it is told."""
    return replace(small_shot(), background=None, settings=Settings(seed=kind, steps=steps))


def upload(kind: int, steps: int = 3) -> bytes:
    return encode_shot(shot_of_kind(kind, steps))


class RunningEngine:
    """A service on loopback, as its owner sees it."""

    def __init__(
        self, data: Path, *options: str, command: tuple = (STUB, "serve"), stderr=None, **environment: str
    ):
        self.data = data
        inherited = {name: value for name, value in os.environ.items() if name != "ISA_ENGINE_TOKEN"}
        self.process = subprocess.Popen(
            [sys.executable, *command, "--port", "0", "--data", str(data), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={**inherited, **environment},
        )
        line = self.process.stdout.readline()
        assert line, f"the engine ended with {self.process.wait()} before its first line"
        self.first_line = json.loads(line)
        self.url = self.first_line["url"]
        token = self.first_line["token"] or environment["ISA_ENGINE_TOKEN"]
        self.client = EngineClient(self.url, token, identity=self.first_line["identity"])

    def worker_pid(self) -> int:
        """The worker's process id, once it is ready."""
        device = eventually(lambda: self.client.health().device, "the worker is ready")
        return int(device.removeprefix("stub:"))

    def end(self) -> int:
        """End with standard input or otherwise, and leave nothing open."""
        self.client.close()
        self.process.stdin.close()
        try:
            return self.process.wait(LONG)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self.process.stdout.close()


@pytest.fixture(scope="session")
def engine(tmp_path_factory) -> Iterator[RunningEngine]:
    """A running engine with the stub for a worker; tests share it and leave no job in it."""
    engine = RunningEngine(tmp_path_factory.mktemp("engine"), "--stop-with-stdin")
    yield engine
    engine.end()


def eventually(condition: Callable, what: str, seconds: float = LONG):
    """The condition's value as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.01)
    return value


def in_time(call: Callable, what: str):
    """The value of a call, or its error; an AssertionError where it goes on for ``BOUND``."""
    ended = Future()

    def run() -> None:
        try:
            ended.set_result(call())
        except BaseException as error:
            ended.set_exception(error)

    # A daemon: a call that never ends does not keep the process.
    threading.Thread(target=run, daemon=True).start()
    assert wait([ended], BOUND).done, f"not within {BOUND} s: {what}"
    return ended.result()


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
