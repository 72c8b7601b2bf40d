"""What goes on between this Blender and an engine now: the engine, the one job, its plate's return.

Nothing of it is saved. ``tick`` is called by a timer and does all that needs the main thread; no call blocks.
"""

import ipaddress
import threading
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import bpy

from isa_engine.client import EngineClient
from isa_engine.errors import EngineError, IsaError
from isa_engine.protocol import Health
from isa_engine.shot import Shot

from .engine.jobs import JobRunner, JobSnapshot
from .engine.process import EngineStatus, LocalEngine, RemoteEngine
from .folders import discard_take, engine_log
from .plate import import_plate
from .preflight.finding import Finding
from .ui.preferences import preferences

_BUSY_SECONDS, _IDLE_SECONDS = 0.2, 1.0


@dataclass(frozen=True)
class Job:
    """A job on its way. The scene is known by its number: names change, and undo replaces what they name."""

    runner: JobRunner
    scene: int
    take: Path
    plate: set[str]


class Session:
    """One a Blender.

    Attributes:
        captured: ``(done, total)`` frames while the scene is being read, else None.
        painted: the same while its background is being made.
        stop_capture: asks the reading to end.
        job: the running one, else None.
        error: the sentence that the panel shows, empty if all is well.
        note: what else there is to say.
        findings: of the shot that was read last.
        held: whether that shot waits for the artist's word because of them.
        health: what the chosen engine last said of itself.
    """

    def __init__(self):
        self.captured: tuple[int, int] | None = None
        self.painted: tuple[int, int] | None = None
        self.stop_capture = False
        self.job: Job | None = None
        self.error = self.note = ""
        self.findings: tuple[Finding, ...] = ()
        self.held = False
        self.health: Health | None = None
        self._local: LocalEngine | None = None
        # Blender knows a timer by its object, and each access to a method makes a new one.
        self._timer = self.tick
        self._asking: threading.Thread | None = None
        self._asked: tuple[str, str] = ("", "")
        self._shown = None

    @property
    def busy(self) -> bool:
        return self.captured is not None or self.job is not None

    def engine_status(self) -> EngineStatus:
        """How the engine that the artist has chosen stands; cheap enough for drawing."""
        chosen = preferences()
        if chosen.engine == "REMOTE":
            if not chosen.remote_url:
                return EngineStatus("absent", "Enter the remote engine's address.")
            if self.health is not None and self._asked == (chosen.remote_url, chosen.remote_token):
                return EngineStatus("ready", f"Engine: {urlsplit(chosen.remote_url).hostname}.")
            return EngineStatus("stopped", f"Engine: {chosen.remote_url}, not connected yet.")
        if self._local is None:
            self._local = LocalEngine(engine_log(), chosen.engine_python)
        return self._local.poll()

    def start_engine(self) -> LocalEngine | RemoteEngine:
        """Start the local engine or ask the remote one how it is; the engine to give a job to.

        Raises:
            EngineError: there is none, or Blender is to stay offline.
        """
        chosen = preferences()
        self.error = ""
        if chosen.engine == "REMOTE":
            check_remote(chosen.remote_url)
            self._ask(chosen.remote_url, chosen.remote_token)
            engine = RemoteEngine(chosen.remote_url, chosen.remote_token)
        else:
            engine = self._start_local(chosen.engine_python)
        self._keep_ticking()
        return engine

    def _start_local(self, python: str) -> LocalEngine:
        if self._local is None or (
            self._local.preference != python and self._local.poll().state not in ("starting", "ready")
        ):
            self._local = LocalEngine(engine_log(), python)
        self._local.start()
        status = self._local.poll()
        if status.state in ("absent", "failed"):
            raise EngineError(status.message)
        return self._local

    def stop_engine(self) -> None:
        """End the local engine, and a job that it works on, without waiting for it."""
        if preferences().engine == "LOCAL" and self.job is not None:
            self.cancel()
        if self._local is not None:
            threading.Thread(target=self._local.stop, name="isa-stop", daemon=True).start()
        self.health = None
        self._keep_ticking()

    def submit(self, scene, shot: Shot, take: Path) -> None:
        """Hand a shot to the engine; its plate comes back to the scene by itself.

        Raises:
            EngineError: as ``start_engine``.
        """
        runner = JobRunner(self.start_engine(), shot, take)
        runner.start()
        self.note = ""
        self.job = Job(runner, scene.session_uid, take, scene.isa.plate)
        self._keep_ticking()

    def cancel(self) -> None:
        """Ask what is going on to end."""
        self.stop_capture = True
        if self.job is not None:
            self.job.runner.cancel()

    def drop_findings(self, operator: str, values: dict) -> None:
        """Forget the findings that a button with these values has mended."""

        def mended(finding: Finding) -> bool:
            return any(
                mend.operator == operator and values.items() <= mend.values.items() for mend in finding.mends
            )

        self.findings = tuple(finding for finding in self.findings if not mended(finding))
        self.held = self.held and any(finding.serious for finding in self.findings)

    def tick(self) -> float | None:
        """Look how things stand; the seconds to the next look, None where nothing is left to look at."""
        asking = self._asking is not None and self._asking.is_alive()
        status = self.engine_status()
        if status.state == "ready" and status.url and self._asked != (status.url, status.token):
            self._ask(status.url, status.token)
            asking = True
        snapshot = self.job.runner.snapshot() if self.job else None
        # Changing the scene under a render crashes Blender.
        if snapshot and snapshot.over and not bpy.app.is_job_running("RENDER"):
            job, self.job = self.job, None
            self._finish(job, snapshot)
        shown = (
            status,
            snapshot,
            self.captured,
            self.painted,
            self.error,
            self.note,
            self.findings,
            self.health,
        )
        if shown != self._shown:
            self._shown = shown
            redraw()
        if self.job or asking or status.state == "starting":
            return _BUSY_SECONDS
        return _IDLE_SECONDS if self._local and self._local.poll().state == "ready" else None

    def close(self) -> None:
        """End everything, and wait for the engine's end."""
        self.cancel()
        self.job = None
        if bpy.app.timers.is_registered(self._timer):
            bpy.app.timers.unregister(self._timer)
        if self._local is not None:
            self._local.stop()

    def _finish(self, job: Job, snapshot: JobSnapshot) -> None:
        if snapshot.state != "done":
            discard_take(job.take)
            self.error = snapshot.error
            self.note = "Cancelled." if snapshot.state == "cancelled" else ""
            return
        scene = next((scene for scene in bpy.data.scenes if scene.session_uid == job.scene), None)
        if scene is None:
            self.note = f"The plate of a scene that is not open lies in {job.take}."
            return
        try:
            import_plate(scene, job.take, job.runner.shot, job.plate)
        except IsaError as error:
            self.error = f"{error} The results are kept in {job.take}."
            return
        except Exception as error:
            self.error = f"The plate cannot be imported: {error!r}. The results are kept in {job.take}."
            raise
        scene.isa.last_results = str(job.take)
        self.note = "The plate is on the camera."
        push_undo("Generate Plate")

    def _ask(self, url: str, token: str) -> None:
        """Ask an engine how it is, in the background."""
        self._asked, self.health = (url, token), None

        def ask() -> None:
            try:
                client = EngineClient(url, token)
                try:
                    health = client.health()
                finally:
                    client.close()
            except EngineError as error:
                if self._asked == (url, token):
                    self.error = str(error)
                return
            if self._asked == (url, token):
                self.health = health

        self._asking = threading.Thread(target=ask, name="isa-health", daemon=True)
        self._asking.start()

    def _keep_ticking(self) -> None:
        if not bpy.app.timers.is_registered(self._timer):
            bpy.app.timers.register(self._timer, first_interval=0.0, persistent=True)


def check_remote(url: str) -> None:
    """Raise an ``EngineError`` unless Blender may speak to this address."""
    if not url:
        raise EngineError("no remote engine is entered", remedy="Enter its address and token.")
    host = urlsplit(url).hostname or ""
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    # As a Python module Blender has no such preference, and who names an address means it.
    offline = not bpy.app.online_access and not getattr(bpy.app, "module", False)
    if offline and not loopback:
        remedy = "Allow it: Preferences ▸ System ▸ Network ▸ Allow Online Access, or --online-mode."
        raise EngineError("Blender is not allowed to go online", remedy=remedy)


def redraw() -> None:
    """Have the panels drawn again."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()


def push_undo(message: str) -> None:
    """A step of its own in the artist's undo history for what a timer has changed."""
    windows = bpy.context.window_manager.windows
    if windows:
        with bpy.context.temp_override(window=windows[0]):
            bpy.ops.ed.undo_push(message=message)


_session: Session | None = None


def session() -> Session:
    """This Blender's session."""
    global _session
    if _session is None:
        _session = Session()
    return _session


def close() -> None:
    """End this Blender's session."""
    global _session
    if _session is not None:
        _session.close()
    _session = None
