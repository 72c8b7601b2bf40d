"""What goes on now between this Blender and an engine: the scene read, the jobs, their plates' return.

``tick`` is called by a timer and does all that needs the main thread; no call blocks.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

import bpy
from bpy.app.handlers import persistent

from isa_engine.errors import EngineError, IsaError, SceneError
from isa_engine.shot import Shot

from .. import background, plate
from ..engine.queue import Job, JobQueue
from ..language.remark import Remark, remark
from ..language.translation import said, told
from ..preflight.finding import Finding
from ..settings.cast import playing
from ..takes.ids import own_takes, scene_of, shot_of, take_places
from ..takes.places import same
from ..takes.shown import show_take, shown_folder
from ..takes.take import Take
from .chosen_engine import ChosenEngine
from .saving import after_save, after_undo, before_save, bring_home
from .saving import forget as forget_moves

_BUSY_SECONDS, _IDLE_SECONDS = 0.2, 1.0


class Session:
    """One a Blender.

    Attributes:
        engine: the chosen one.
        queue: of takes and jobs.
        captured: ``(done, total)`` frames while the scene is being read, else None.
        painted: the same while its background is being made.
        stop_capture: asks the reading to end.
    """

    def __init__(self):
        self.engine, self.queue = ChosenEngine(), JobQueue()
        self.captured: tuple[int, int] | None = None
        self.painted: tuple[int, int] | None = None
        self.stop_capture = False
        self._error = self._note = Remark()
        self._findings: tuple[Finding, ...] = ()
        # Of the shot that they are of; and whether it waits for the artist's word because of them.
        self._read_scene, self._held = 0, False
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
    def error(self) -> str:
        """What is wrong with the scene in the context, as a sentence; empty if nothing is."""
        return self._error.shown(bpy.context.scene)

    @property
    def note(self) -> str:
        """What else there is to say of the scene in the context."""
        return self._note.shown(bpy.context.scene)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Of the shot that was read last, if it is the scene's in the context; of who still plays in it."""
        scene = bpy.context.scene
        if scene.session_uid != self._read_scene:
            return ()
        names = {member.character.name_full for member in playing(scene)}
        return tuple(finding for finding in self._findings if finding.characters <= names)

    @property
    def held(self) -> bool:
        """Whether that shot waits for the artist's word because of them."""
        return self._held and any(finding.serious for finding in self.findings)

    def say(self, text: str, scene=None, about: Callable | None = None) -> None:
        """Show a sentence in the panel.

        Args:
            scene, about: as of ``remark``.
        """
        self._note = remark(text, scene, about)

    def fail(self, text: str, scene=None, about: Callable | None = None) -> None:
        """The same for what is wrong."""
        self._error = remark(text, scene, about)

    def forget(self) -> None:
        """Nothing of all that was said counts any more: the scene is read anew."""
        self._error = self._note = Remark()
        self.find(None, (), False)

    def find(self, scene, findings: tuple[Finding, ...], held: bool) -> None:
        """Keep the findings of a scene's shot.

        Args:
            held: whether the shot waits because of them.
        """
        self._read_scene = scene.session_uid if scene else 0
        self._findings, self._held = findings, held

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
        self._error = Remark()
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
        self._note = Remark()
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

        self._findings = tuple(finding for finding in self._findings if not mended(finding))

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
        left = [job for job in self.jobs() if job.state == "sent" and self.engine.has_kept(job.take)]
        if left and self.engine.at_work() is None:
            try:
                self.start_engine()
            except EngineError as error:
                self.fail(told(error), about=self.engine.state)

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
            text = said("The plate of a scene that is not open lies in {folder}.", folder=take.folder)
            self.say(text, about=lambda _: scene_of(take) is None)
        return False

    def _steps(self, take: Take) -> Iterator[None]:
        """Bring a plate in. Each step takes Blender so long, with what it draws then, that the next one waits
        for another tick."""
        # A failure to read them is said below, where the plate is shown.
        with suppress(SceneError):
            take = bring_home(self.queue, scene_of(take), take)
            plate.open_movies(take.folder)
        yield
        scene = scene_of(take)
        if scene is None or self.queue.take(take.folder) is None:
            return

        def showing(scene) -> bool:
            shown = shown_folder(scene)
            return shown is not None and same(shown, take.folder)

        # Whatever comes of it, it is not tried for ever.
        self.queue.mark(take.folder, imported=True)
        try:
            show_take(scene, take)
        except IsaError as error:
            text = "{error} The results are kept in {folder}."
            self.fail(said(text, error=told(error), folder=take.folder), scene, showing)
            return
        except Exception as error:
            text = "The plate cannot be imported: {error}. The results are kept in {folder}."
            self.fail(said(text, error=repr(error), folder=take.folder), scene, showing)
            raise
        # Blender's autosave keeps it with this step.
        scene.isa.shot = take.shot
        self.say(said("{take} is on the camera.", take=take.name), scene, showing)
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
def _before_save(target: str, *_) -> None:
    if background.is_own_copy(target):
        return
    if trouble := before_save(session().queue, target):
        session().fail(trouble)


@persistent
def _after_save(target: str, *_) -> None:
    if not background.is_own_copy(target) and (note := after_save(session().queue, target, True)):
        session().say(note)
        session().keep_ticking()


@persistent
def _after_failed_save(target: str, *_) -> None:
    if not background.is_own_copy(target):
        after_save(session().queue, target, False)


@persistent
def _after_undo(*_) -> None:
    after_undo()
    redraw()


@persistent
def _file_opened(*_) -> None:
    forget_moves()
    # A farm's Blender has one shot to make, and no artist who waits for others.
    if not bpy.app.background:
        session().open_file()


_HANDLERS = {
    "load_post": _file_opened,
    "save_pre": _before_save,
    "save_post": _after_save,
    "save_post_fail": _after_failed_save,
    "undo_post": _after_undo,
    "redo_post": _after_undo,
}


def register() -> None:
    for event, handler in _HANDLERS.items():
        getattr(bpy.app.handlers, event).append(handler)


def unregister() -> None:
    for event, handler in _HANDLERS.items():
        getattr(bpy.app.handlers, event).remove(handler)
    forget_moves()
    close()
