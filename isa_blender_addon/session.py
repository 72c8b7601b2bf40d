"""What goes on now between this Blender and an engine: the scene read, the jobs, their plates' return.

``tick`` is called by a timer and does all that needs the main thread; no call blocks.
"""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

import bpy
from bpy.app.handlers import persistent

from isa_engine.errors import EngineError, IsaError, SceneError
from isa_engine.shot import Shot

from . import plate
from .chosen_engine import ChosenEngine
from .engine.queue import Job, JobQueue
from .engine.take import Take
from .preflight.finding import Finding
from .shots import own_takes, scene_of, shot_of, take_places
from .takes import show_take
from .translation import said, told

_BUSY_SECONDS, _IDLE_SECONDS = 0.2, 1.0


class Session:
    """One a Blender.

    Attributes:
        engine: the chosen one.
        queue: of takes and jobs.
        captured: ``(done, total)`` frames while the scene is being read, else None.
        painted: the same while its background is being made.
        stop_capture: asks the reading to end.
        error: the sentence that the panel shows, empty if all is well.
        note: what else there is to say.
        findings: of the shot that was read last.
        held: whether that shot waits for the artist's word because of them.
    """

    def __init__(self):
        self.engine, self.queue = ChosenEngine(), JobQueue()
        self.captured: tuple[int, int] | None = None
        self.painted: tuple[int, int] | None = None
        self.stop_capture = False
        self.error = self.note = ""
        self.findings: tuple[Finding, ...] = ()
        self.held = False
        # Blender knows a timer by its object, and each access to a method makes a new one.
        self._timer = self.tick
        self._search: Future | None = None
        # Takes that were said to be done, though their scenes are not open.
        self._told: set[Path] = set()
        self._shown = None
        # What is left to do for a plate that is coming in.
        self._import: Iterator[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether the scene is being read."""
        return self.captured is not None

    @property
    def trouble(self) -> str:
        """What is wrong, as a sentence; empty if nothing is."""
        disk = self.queue.trouble
        return self.error or self.engine.error or (told(disk) if disk else "")

    def start_engine(self) -> None:
        """Start the local engine or ask the remote one how it is.

        Raises:
            EngineError: there is none, or Blender is to stay offline.
        """
        self.error = ""
        self.engine.start()
        self.keep_ticking()

    def stop_engine(self) -> None:
        """End the local engine; it keeps the jobs that it has."""
        self.engine.stop()
        self.keep_ticking()

    def submit(self, scene, shot: Shot, folder: Path) -> None:
        """Queue a shot; its plate comes back to the scene by itself."""
        numbers = shot.frame_numbers
        frames = int(numbers[0]), int(numbers[-1]), scene.frame_step
        blend = Path(bpy.data.filepath).name
        self.queue.add(Take(folder, shot_of(scene), blend, scene.name, frames, shot.settings), shot)
        self.note = ""
        self.keep_ticking()

    def jobs(self) -> list[Job]:
        """What is not done, in order; of scenes that are not open only what is going on."""
        return [job for job in self.queue.jobs() if not job.stopped or scene_of(job.take)]

    def open_file(self) -> None:
        """Look for the takes of the open scenes; ``tick`` goes on with what an engine has of them."""
        self._import = None
        places = {place for scene in bpy.data.scenes for place in take_places(scene)}
        self._search = self.queue.search(places)
        self.keep_ticking()

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
        if self._search is not None and self._search.done():
            search, self._search = self._search, None
            self._attach(search.result())
        self.engine.look(self.queue.pending)
        self.queue.advance(self.engine.at_work(), self.engine.name, self.engine.workers)
        # Changing the scene under a render crashes Blender.
        rendering = bpy.app.is_job_running("RENDER")
        stepped = not rendering and self._bring_in()
        status = self.engine.status()
        shown = (
            status,
            self.queue.jobs(),
            self.captured,
            self.painted,
            self.trouble,
            self.note,
            self.findings,
            self.engine.health,
        )
        if shown != self._shown:
            self._shown = shown
            redraw()
        waiting = self._search is not None or self.engine.asking or status.state == "starting" or rendering
        if waiting or stepped or self.queue.working:
            return _BUSY_SECONDS
        return _IDLE_SECONDS if status.state == "ready" or self.queue.pending else None

    def keep_ticking(self) -> None:
        """Have ``tick`` called by a timer from now on, as long as it wants to be."""
        if not bpy.app.timers.is_registered(self._timer):
            bpy.app.timers.register(self._timer, first_interval=0.0, persistent=True)

    def close(self) -> None:
        """Leave the jobs to their engines, end the local one, and wait for its end."""
        self.stop_capture = True
        if bpy.app.timers.is_registered(self._timer):
            bpy.app.timers.unregister(self._timer)
        self.queue.close()
        self.engine.close()

    def _attach(self, found: list[Take]) -> None:
        for scene in bpy.data.scenes:
            self.queue.attach(own_takes(scene, found))
        left = [job for job in self.jobs() if job.state == "sent"]
        if left and self.engine.at_work() is None:
            try:
                self.start_engine()
            except EngineError as error:
                self.error = told(error)

    def _bring_in(self) -> bool:
        """One step of the oldest plate whose scene is open; false where there is none."""
        if self._import is None:
            take = next(filter(self._has_scene, self.queue.arrived()), None)
            if take is None:
                return False
            self._import = self._steps(take)
        if next(self._import, self) is self:
            self._import = None
        return True

    def _has_scene(self, take: Take) -> bool:
        """Whether a take that has arrived belongs to what is open; else the artist is told once."""
        if scene_of(take) is not None:
            return True
        if take.folder not in self._told:
            self._told.add(take.folder)
            self.note = said("The plate of a scene that is not open lies in {folder}.", folder=take.folder)
        return False

    def _steps(self, take: Take) -> Iterator[None]:
        """Bring a plate in. Each step takes Blender so long, with what it draws then, that the next one waits
        for another tick."""
        # What is wrong with them comes out below.
        with suppress(SceneError):
            plate.open_movies(take.folder)
        yield
        scene = scene_of(take)
        if scene is None or self.queue.take(take.folder) is None:
            return
        # Whatever comes of it, it is not tried for ever.
        self.queue.mark(take.folder, imported=True)
        try:
            show_take(scene, take)
        except IsaError as error:
            self.error = said(
                "{error} The results are kept in {folder}.", error=told(error), folder=take.folder
            )
            return
        except Exception as error:
            self.error = said(
                "The plate cannot be imported: {error}. The results are kept in {folder}.",
                error=repr(error),
                folder=take.folder,
            )
            raise
        # Blender's autosave keeps it with this step.
        scene.isa.shot = take.shot
        self.note = said("{take} is on the camera.", take=take.name)
        yield
        push_undo("Generate Plate")


def redraw() -> None:
    """Have the panels drawn again, and not the scene beside them, which may take long."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            for region in area.regions:
                if (area.type, region.type) == ("VIEW_3D", "UI"):
                    region.tag_redraw()


def push_undo(message: str) -> None:
    """A step of its own in the artist's undo history for what a timer has changed."""
    if bpy.context.window:
        # Not below: an operator lets other threads run Python, and until Python 3.12 Blender looks into the
        # override's dictionary as if they did not. A crash follows now and then.
        bpy.ops.ed.undo_push(message=message)
        return
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


@persistent
def _file_opened(*_) -> None:
    # A farm's Blender has one shot to make, and no artist who waits for others.
    if not bpy.app.background:
        session().open_file()


def register() -> None:
    bpy.app.handlers.load_post.append(_file_opened)


def unregister() -> None:
    bpy.app.handlers.load_post.remove(_file_opened)
    close()
