"""The engine on this machine, as a process that Blender owns: it ends when Blender does, however that ends.

What differs between systems is in this module alone.
"""

import atexit
import contextlib
import ctypes
import itertools
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from isa_engine.address import without_password
from isa_engine.client.location import python_of

START_SECONDS = 90
STOP_SECONDS = 5
# -P keeps Python from importing what lies in the folder that Blender was started in.
ENGINE = ("-P", "-m", "isa_engine.cli", "serve", "--port", "0", "--stop-with-stdin")


@dataclass(frozen=True)
class EngineStatus:
    """How an engine stands.

    Attributes:
        state: "absent" (not installed), "starting", "ready", "failed" or "stopped".
        message: a sentence for the artist.
        url, token: of the ready engine, else empty.
        identity: by which a ready engine of ours is known; of one that others started empty.
    """

    state: str
    message: str
    url: str = ""
    token: str = ""
    identity: str = ""


ABSENT = EngineStatus("absent", "No engine on this machine. Run install/engine.sh, or enter a remote engine.")
STOPPED = EngineStatus("stopped", "The engine is not running.")


class RemoteEngine:
    """An engine on another machine, which others start and stop."""

    private = False

    def __init__(self, url: str, token: str):
        self.url, self.token = url, token

    def poll(self) -> EngineStatus:
        message = f"Engine: {without_password(self.url)}."
        return EngineStatus("ready", message, self.url, self.token)


class LocalEngine:
    """The engine of this machine. No method blocks but ``stop``, which takes ``STOP_SECONDS`` at most.

    Args:
        log: file that takes what the engine says.
        preference: path of the engine's Python as the artist set it; empty: ISA_ENGINE_PYTHON, else the one
            that ``install/`` wrote down.
        data: folder in which each running engine has one of its own for its jobs, to go on with them after
            an end of any kind; None: they go with it.

    Attributes:
        folder: with the jobs of the engine that was started last; None before.
    """

    private = True

    def __init__(self, log: Path, preference: str = "", data: Path | None = None):
        self.log, self.preference, self.data = log, preference, data
        self.folder: Path | None = None
        self._lock = threading.RLock()
        self._process: subprocess.Popen | None = None
        self._deadline = 0.0
        self._status = STOPPED if find_python(preference) else ABSENT

    def start(self) -> None:
        """Begin to start the engine, unless it is there; ``poll`` says how that goes."""
        with self._lock:
            if self.poll().state in ("starting", "ready"):
                return
            python = find_python(self.preference)
            if not python:
                self._status = ABSENT
                return
            try:
                self._process = self._spawn(python)
            except OSError as error:
                problem = f"The engine cannot be started ({error.filename or python}: {error.strerror})."
                remedy = "Check the engine's Python in the add-on's preferences."
                self._status = EngineStatus("failed", f"{problem} {remedy}")
                return
            self._deadline = time.monotonic() + START_SECONDS
            self._status = EngineStatus("starting", "The engine is starting.")
            atexit.register(self.stop)
            threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()

    def poll(self) -> EngineStatus:
        """How the engine stands now."""
        with self._lock:
            if self._status.state in ("starting", "ready"):
                if self._process.poll() is not None:
                    self._status = self._failure("The engine stopped by itself")
                elif self._status.state == "starting" and time.monotonic() > self._deadline:
                    kill_tree(self._process, sys.platform)
                    self._status = self._failure(f"The engine did not start within {START_SECONDS} s")
            return self._status

    def stop(self) -> None:
        """End the engine and its worker."""
        with self._lock:
            process, self._process = self._process, None
            self._status = STOPPED if process is not None else self._status
        if process is None:
            return
        atexit.unregister(self.stop)
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            kill_tree(process, sys.platform)
            process.wait()

    def _spawn(self, python: str) -> subprocess.Popen:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.folder = free_folder(self.data) if self.data else None
        data = ("--data", str(self.folder)) if self.folder else ()
        with open(self.log, "wb") as log:
            return subprocess.Popen(
                [python, *ENGINE, *data],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=clean_environment(os.environ),
                **process_options(sys.platform),
            )

    def _listen(self, process: subprocess.Popen) -> None:
        """Read the engine's first line; go on reading to the end, lest the pipe fill up."""
        with process.stdout:
            for line in process.stdout:
                status = ready_status(line)
                with self._lock:
                    if status and self._process is process and self._status.state == "starting":
                        self._status = status

    def _failure(self, what: str) -> EngineStatus:
        last = last_line(self.log)
        return EngineStatus("failed", f"{what}: {last}" if last else f"{what}. Its log is {self.log}.")


def free_folder(data: Path) -> Path:
    """The first folder that no running engine has: an engine goes on where the last one ended."""
    return next(folder for number in itertools.count() if not _held(folder := data / str(number)))


def _held(folder: Path) -> bool:
    """Whether a running engine has a folder: by its lock (``isa_engine.service.upkeep.lock``)."""
    lock = folder / "lock.sqlite3"
    if not lock.exists():
        return False
    try:
        with contextlib.closing(sqlite3.connect(lock, timeout=0, isolation_level=None)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error:
        return True
    return False


def find_python(preference: str, environment: Mapping[str, str] = os.environ) -> str:
    """The engine's Python; empty where none is known, or the recorded one is gone."""
    return preference or python_of("engine", environment)


def ready_status(line: bytes) -> EngineStatus | None:
    """What the service's first line says; None where it is another line."""
    try:
        first = json.loads(line)
        message = f"Engine: this machine, version {first['version']}."
        # An engine of an earlier version has no identity; its version is refused later, with a sentence.
        identity = str(first.get("identity", ""))
        return EngineStatus("ready", message, str(first["url"]), str(first["token"]), identity)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without what Blender's Python set for itself, and without tokens."""
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith("PYTHON") and name != "ISA_ENGINE_TOKEN"
    }


def process_options(platform: str) -> dict:
    """Popen's options for a process that a Ctrl-C in Blender's terminal does not reach, without a window."""
    if platform == "win32":
        create_new_process_group, create_no_window = 0x200, 0x8000000
        return {"creationflags": create_new_process_group | create_no_window}
    return {"start_new_session": True}


def machine_memory() -> int | None:
    """Bytes of this machine's memory; None where the system does not tell."""
    if sys.platform == "win32":
        status = _MemoryStatus(ctypes.sizeof(_MemoryStatus))
        return status.total if ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)) else None
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None


class _MemoryStatus(ctypes.Structure):
    """Windows' MEMORYSTATUSEX."""

    _fields_ = [
        ("length", ctypes.c_ulong),
        ("load", ctypes.c_ulong),
        ("total", ctypes.c_ulonglong),
        ("others", ctypes.c_ulonglong * 6),
    ]


def kill_tree(process: subprocess.Popen, platform: str) -> None:
    """End a process that does not listen, and its worker with it."""
    if platform == "win32":
        # The worker ends by itself: its standard input ends with the service.
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def last_line(log: Path) -> str:
    """The last line of a log that says something."""
    try:
        with open(log, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
            lines = file.read().decode(errors="replace").split("\n")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
