"""The engine that the artist has chosen in the preferences: started, asked how it is, stopped."""

import contextlib
import ipaddress
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import bpy

from isa_engine.address import without_password
from isa_engine.client import EngineClient, RequestRefused
from isa_engine.client.protocol import Health
from isa_engine.errors import EngineError
from isa_engine.user_data import data_folder

from ..language.translation import told, words
from ..preferences.choices import Choices, Preferences, preferences
from ..preferences.folders import engine_log
from ..settings import models
from ..takes.take import HERE, Take, address
from .process import EngineStatus, LocalEngine, RemoteEngine

# Seconds between two questions: to an engine that does not answer, has not loaded its model or is in trouble,
# and to one that is well.
_ASK_SECONDS, _FRESH_SECONDS = 10, 60
_LIKELY = {"LOCAL": "cpu", "REMOTE": "cuda"}


class ChosenEngine:
    """The engine of the preferences; there is one in each Blender. Nothing blocks but ``close``.

    Args:
        choices: gives the choice of now; by default that of the preferences.
        log: takes what an engine of this machine says; by default Blender's temporary folder does.

    Attributes:
        error: why it says nothing, as a sentence; empty if all is well.
        refused: whether that is because it does not know the token.
    """

    def __init__(self, choices: Callable[[], Preferences | Choices] | None = None, log: Path | None = None):
        self._choices, self._log = choices or (lambda: preferences()), log
        self._health: Health | None = None
        self.error = ""
        self.refused = False
        self._local: LocalEngine | None = None
        self._asking: threading.Thread | None = None
        self._asked, self._asked_at = ("", ""), 0.0

    @property
    def health(self) -> Health | None:
        """What the engine last said of itself."""
        return self._health

    @health.setter
    def health(self, health: Health | None) -> None:
        self._health = health
        models.report(health.models if health else None)

    @property
    def name(self) -> str:
        """As takes have it (``Take.engine``); ``HERE`` alone: this machine's, not started yet."""
        chosen = self._choices()
        if chosen.engine == "REMOTE":
            return address(chosen.remote_url)
        return HERE + (self._local.folder.name if self._local and self._local.folder else "")

    @property
    def workers(self) -> int:
        """How many jobs it does at once, as far as is known."""
        return self.health.device.count(",") + 1 if self.health else 1

    @property
    def memory(self) -> float | None:
        """Bytes of its device; None: not known."""
        return self.health.memory.total if self.health and self.health.memory else None

    @property
    def device(self) -> str:
        """As ``Health`` has it; what it is likely to be where nothing is known of the engine yet."""
        return self.health.device if self.health else _LIKELY[self._choices().engine]

    @property
    def ready(self) -> bool:
        return self.status().state == "ready"

    @property
    def trouble(self) -> str:
        """Why an engine that answers begins no job, as it says; empty where it does, or is about to."""
        return self.health.trouble if self.health and self.health.worker != "starting" else ""

    @property
    def asking(self) -> bool:
        return self._asking is not None and self._asking.is_alive()

    def status(self) -> EngineStatus:
        """How it stands; cheap enough for drawing."""
        chosen = self._choices()
        if chosen.engine == "REMOTE":
            try:
                check_remote(chosen.remote_url)
            except EngineError as error:
                return EngineStatus("absent", told(error))
            if self.health is not None and self._asked == (chosen.remote_url, chosen.remote_token):
                message = words("Engine: {host}.", host=_host(chosen.remote_url))
                return EngineStatus("ready", message, *self._asked)
            message = words("Engine: {url}, not connected yet.", url=without_password(chosen.remote_url))
            return EngineStatus("stopped", message)
        if self._local is None:
            self._local = self._local_engine(chosen.engine_python)
        return self._local.poll()

    def state(self, _scene=None) -> object:
        """What an error about the engine depends on: which one is chosen, and how it stands."""
        chosen = self._choices()
        url, token = chosen.remote_url, chosen.remote_token
        return chosen.engine, chosen.engine_python, url, token, self.status().state

    def start(self) -> None:
        """Start the local engine, or ask the remote one how it is.

        Raises:
            EngineError: there is none, or Blender is to stay offline.
        """
        chosen = self._choices()
        self.error, self.refused = "", False
        if chosen.engine == "REMOTE":
            check_remote(chosen.remote_url)
            self._ask(chosen.remote_url, chosen.remote_token)
        else:
            self._start_local(chosen.engine_python)

    def at_work(self) -> LocalEngine | RemoteEngine | None:
        """The engine to give jobs to, once it is starting or ready; else None."""
        status = self.status()
        if self._choices().engine == "REMOTE":
            return RemoteEngine(status.url, status.token) if status.state == "ready" else None
        return self._local if status.state in ("starting", "ready") else None

    def has_kept(self, take: Take) -> bool:
        """Whether an engine of this machine has the job in its folder; of a remote one, nobody knows.

        A take beside a .blend of somebody else's may name any job: no engine is started for it.
        """
        if not take.engine.startswith(HERE):
            return True
        return (_engines_data() / take.engine.removeprefix(HERE) / "jobs" / take.job).is_dir()

    def look(self, wanted: bool) -> None:
        """Ask an engine that has come up how it is, now and then again, and one that did not answer.

        Args:
            wanted: whether jobs wait for it.
        """
        status = self.status()
        if status.state == "ready":
            if self._asked != (status.url, status.token) or self._stale:
                self._ask(status.url, status.token, status.identity, by_the_way=True)
        elif wanted and self._silent and time.monotonic() > self._asked_at + _ASK_SECONDS:
            with contextlib.suppress(EngineError):
                check_remote(self._choices().remote_url)
                self._ask(self._choices().remote_url, self._choices().remote_token)

    def stop(self) -> None:
        """End the local engine, without waiting for it."""
        if self._local is not None:
            threading.Thread(target=self._local.stop, name="isa-stop", daemon=True).start()
        self.health = None

    def close(self) -> None:
        """End the local engine, and wait for its end."""
        if self._local is not None:
            self._local.stop()

    @property
    def _silent(self) -> bool:
        """Whether a remote engine did not answer."""
        return bool(self.error) and self._choices().engine == "REMOTE" and not self.asking

    @property
    def _stale(self) -> bool:
        """Whether what an engine that runs said of itself is to be asked again: its memory, its models."""
        well = self.health is not None and self.health.worker != "starting" and not self.health.trouble
        wait = _FRESH_SECONDS if well else _ASK_SECONDS
        return not self.asking and time.monotonic() > self._asked_at + wait

    def _start_local(self, python: str) -> None:
        if self._local is None or (
            self._local.preference != python and self._local.poll().state not in ("starting", "ready")
        ):
            self._local = self._local_engine(python)
        self._local.start()
        status = self._local.poll()
        if status.state in ("absent", "failed"):
            raise EngineError(status.message)

    def _local_engine(self, python: str) -> LocalEngine:
        return LocalEngine(self._log or engine_log(), python, _engines_data())

    def _ask(self, url: str, token: str, identity: str = "", by_the_way: bool = False) -> None:
        """Ask an engine how it is, in the background.

        Args:
            identity: as of ``EngineStatus``.
            by_the_way: if it was well and does not answer, it stays the chosen one; its jobs tell.
        """
        if self._asked != (url, token):
            self.health = None
        self._asked, self._asked_at = (url, token), time.monotonic()

        def ask() -> None:
            try:
                with contextlib.closing(EngineClient(url, token, identity=identity)) as client:
                    health, problem, refused = client.health(), "", False
            except EngineError as error:
                # Not translated: Blender's dictionaries may be used on the main thread alone.
                health, problem = None, str(error)
                refused = isinstance(error, RequestRefused) and error.kind == "token"
            kept = by_the_way and problem and self.health is not None
            if self._asked == (url, token) and not kept:
                self.health, self.error, self.refused = health, problem, refused

        self._asking = threading.Thread(target=ask, name="isa-health", daemon=True)
        self._asking.start()


def _engines_data() -> Path:
    """With a folder for each engine that Blenders of this user run at once."""
    return data_folder() / "blender"


def _host(url: str) -> str:
    """Of an address; empty where it is none."""
    try:
        return urlsplit(without_password(url)).hostname or ""
    except ValueError:
        return ""


def check_remote(url: str) -> None:
    """Raise an ``EngineError`` unless Blender may speak to this address."""
    if not url:
        raise EngineError("no remote engine is entered", remedy="Enter its address and token.")
    host = _host(url)
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    # Blender's Python module, which is no program, has no such preference, and there an address was typed on
    # purpose.
    offline = bpy.app.binary_path and not bpy.app.online_access
    if offline and not loopback:
        remedy = "Allow it: Preferences ▸ System ▸ Network ▸ Allow Online Access, or --online-mode."
        raise EngineError("Blender is not allowed to go online", remedy=remedy)
