"""What goes on now between this Blender and an engine: the scene read, the jobs, their plates' return.

``tick`` is called by a timer and does all that needs the main thread; no call blocks.
"""

import math
from collections.abc import Callable
from pathlib import Path

import bpy

from isa_engine.errors import EngineError, IsaError
from isa_engine.geometry.frames import Made
from isa_engine.models.work import made_in
from isa_engine.shot import Shot

from ..blender.events import call_off, call_soon
from ..blender.window import redraw
from ..engine.chosen_engine import ChosenEngine
from ..engine.queue import Job, JobQueue
from ..language.translation import told
from ..preflight.finding import Finding, hold
from ..preflight.glance import glance
from ..takes.ids import scene_of, shot_id_of
from ..takes.take import Take
from .open_file.arrival import Arrivals
from .open_file.earlier_takes import EarlierTakes
from .progress.courses import Courses
from .progress.ends import tell_end
from .progress.expected import job_seconds
from .reading.readiness import make_ready
from .reading.reading import WELL, Reading
from .sentences import Sentences

_BUSY_SECONDS, _IDLE_SECONDS = 0.2, 1.0


class Session:
    """What goes on in this Blender; there is one (``current``). The panel asks it.

    Args:
        engine: by default the one of the preferences.
        patience: seconds that a job waits for an engine that does not answer.

    Attributes:
        engine: the chosen one.
        queue: of takes and jobs.
        courses: how far each take is.
        reading: the one that goes on, or the last; None: there was none, or it could not begin.
    """

    def __init__(self, engine: ChosenEngine | None = None, patience: float = math.inf):
        self.engine, self.queue = engine or ChosenEngine(), JobQueue(patience)
        self.reading: Reading | None = None
        self._sentences = Sentences(self.engine.state)
        # Kept for ``call_soon``: each access to a method makes a new object.
        self._timer = self.tick
        self._earlier = EarlierTakes(self.queue)
        self._arrivals = Arrivals(self.queue, self.say, self._sentences.complain)
        self.courses = Courses(self.queue, self.engine, tell_end)
        self._shown: tuple | None = None

    @property
    def busy(self) -> bool:
        """Whether the scene is being read."""
        return self.reading is not None and not self.reading.over

    @property
    def error(self) -> str:
        """What is wrong with the scene in the context, as a sentence; empty if nothing is."""
        return self._sentences.error(bpy.context.scene)

    @property
    def note(self) -> str:
        """What else there is to say of the scene in the context."""
        said = self._sentences.note(bpy.context.scene)
        said = said or (self.reading.said.shown(bpy.context.scene) if self.reading else "")
        # Not above warnings that all is well.
        return (
            "Beside this, nothing in the frames stands in the way."
            if said == WELL and self.warnings
            else said
        )

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found in the shot that was read last, if it is the scene's in the context."""
        return self.reading.findings_in(bpy.context.scene) if self.reading else ()

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """All that is found in the scene in the context: at a glance, and in its shot."""
        return (*glance(bpy.context.scene, self.engine.health), *self.findings)

    @property
    def held(self) -> bool:
        """Whether a shot of that scene waits for the artist's word because of them."""
        return bool(self.reading and self.reading.held_in(bpy.context.scene)) and hold(self.warnings)

    def begin(self, scene, send: bool) -> None:
        """Forget what was said and read before, and bring the cast up to date: the scene is to be read.

        Args:
            send: whether its shot is to go somewhere, with its background.

        Raises:
            SceneError: the scene is not ready.
        """
        self._sentences.forget()
        self.reading = None
        make_ready(scene, send)

    def job_seconds(self, scene, made: tuple[Made, ...]) -> dict[str, float]:
        """Seconds of each phase from a whole shot to the plate, at the chosen engine; ``made`` as of
        ``engine_seconds``."""
        return job_seconds(scene, self.engine.device, self.engine.memory, self.engine.ready, made)

    def fail(self, error: IsaError, scene=None) -> None:
        """Show what stands in the way until it is mended.

        Args:
            scene: as of ``Sentences.fail``.
        """
        self._sentences.fail(error, scene)

    def say(self, text: str, scene=None, about: Callable | None = None) -> None:
        """Show a sentence in the panel.

        Args:
            scene, about: as of ``remark``.
        """
        self._sentences.say(text, scene, about)

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
        self._sentences.forget_error()
        self.engine.start()
        self.keep_ticking()

    def stop_engine(self) -> None:
        """End the local engine; it keeps the jobs that it has."""
        self.engine.stop()
        self.keep_ticking()

    def submit(self, scene, shot: Shot, folder: Path) -> None:
        """Queue a shot; its plate comes back to the scene by itself."""
        numbers = shot.frame_numbers
        frames = int(numbers[0]), int(numbers[-1]), shot.frame_step
        blend, made = Path(bpy.data.filepath).name, made_in(shot)
        of = folder, shot_id_of(scene), blend, scene.name
        take = Take(*of, frames, shot.settings, made=made, cuts=shot.cuts)
        self.queue.add(take, shot)
        if self.busy:
            # Only now is it known what a shot keeps whose changed frames are made again.
            self.reading.course.expect(self.job_seconds(scene, made))
            self.courses.begin(folder, self.reading.course)
        self._sentences.forget_note()
        self.keep_ticking()

    def jobs(self) -> list[Job]:
        """What is not done, in order; of scenes that are not open only what is going on."""
        return [job for job in self.queue.jobs() if not job.stopped or scene_of(job.take)]

    def leave_file(self) -> None:
        """Forget what was said of scenes: those of another file may have the same numbers."""
        self._sentences.forget_scenes()
        if not self.busy:
            self.reading = None

    def open_file(self) -> None:
        """Look for the takes of the open scenes; ``tick`` goes on with what an engine has of them."""
        self._arrivals.leave_off()
        self._earlier.seek()
        self.keep_ticking()

    def drop_findings(self, operator: str, values: dict) -> None:
        """Forget the findings that a button with these values has mended."""
        if self.reading is not None:
            self.reading.drop(lambda finding: finding.is_mended_by(operator, values))

    def tick(self) -> float | None:
        """Look how things stand; the seconds to the next look, None where nothing is left to look at."""
        if self._earlier.found():
            self._take_up()
        self.engine.look(self.queue.pending)
        self.queue.advance(self.engine.at_work(), self.engine.name, self.engine.workers)
        # Changing the scene under a render crashes Blender.
        rendering = bpy.app.is_job_running("RENDER")
        stepped = not rendering and self._arrivals.step()
        self.courses.follow()
        self.show()
        status = self.engine.status()
        waiting = self._earlier.sought or self.engine.asking or status.state == "starting" or rendering
        if waiting or stepped or self.queue.working:
            return _BUSY_SECONDS
        return _IDLE_SECONDS if status.state == "ready" or self.queue.pending else None

    def show(self) -> None:
        """Have the panels drawn where what they show has changed."""
        jobs, reading = self.queue.jobs(), self.reading
        courses = [course for job in jobs if (course := self.courses.of(job.take.folder))]
        if reading is not None:
            courses.append(reading.course)
        shown = (
            self.engine.status(),
            jobs,
            reading and reading.progress,
            [int(course.left) for course in courses],
            self.trouble,
            self.note,
            self.findings,
            self.engine.health,
        )
        if shown != self._shown:
            self._shown = shown
            redraw()

    def keep_ticking(self) -> None:
        """Have ``tick`` called by a timer from now on, as long as it wants to be."""
        call_soon(self._timer)

    def close(self) -> None:
        """Leave the jobs to their engines, end the local one, and wait for its end."""
        if self.reading is not None:
            self.reading.cancel()
        call_off(self._timer)
        self.queue.close()
        self.engine.close()

    def _take_up(self) -> None:
        """Go on with the jobs that an engine has kept."""
        left = [job for job in self.jobs() if job.state == "sent" and self.engine.has_kept(job.take)]
        if left and self.engine.at_work() is None:
            try:
                self.start_engine()
            except EngineError as error:
                self.fail(error)

    def arriving(self, folder: Path) -> bool:
        """Whether the plate of a take is still to come into its scene, or about to."""
        take = self.queue.take(folder)
        return self._arrivals.going_on or (take is not None and not take.imported)
