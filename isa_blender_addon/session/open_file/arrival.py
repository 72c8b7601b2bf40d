"""Plates come into their scenes, in steps between which Blender draws."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from isa_engine.errors import IsaError, SceneError

from ... import plate
from ...blender.window import look_at_plate, push_undo
from ...engine.queue import JobQueue
from ...language.translation import said, told
from ...takes.ids import scene_of
from ...takes.places import same
from ...takes.shown import show_take, shown_folder
from ...takes.take import Take
from .saving import bring_home


class Arrivals:
    """Brings in what has arrived in a queue.

    Args:
        say, complain: take a sentence, the scene that it is about, and what it depends on (``remark``).
    """

    def __init__(self, queue: JobQueue, say: Callable[..., None], complain: Callable[..., None]):
        self._queue, self._say, self._complain = queue, say, complain
        # What is left to do for a plate that is coming in.
        self._steps: Iterator[None] | None = None
        # Takes that were said to be done, though their scenes are not open.
        self._told: set[Path] = set()

    @property
    def going_on(self) -> bool:
        """Whether a plate is half in."""
        return self._steps is not None

    def leave_off(self) -> None:
        """Begin anew: another file is open."""
        self._steps = None

    def step(self) -> bool:
        """One step of the oldest plate whose scene is open; false where there is none."""
        if self._steps is None:
            take = next(filter(self._has_scene, self._queue.arrived()), None)
            if take is None:
                return False
            self._steps = self._bring_in(take)
        try:
            next(self._steps)
        except StopIteration:
            self._steps = None
        return True

    def _has_scene(self, take: Take) -> bool:
        """Whether a take that has arrived belongs to what is open; else the artist is told once."""
        if scene_of(take) is not None:
            return True
        if take.folder not in self._told:
            self._told.add(take.folder)
            text = said("The plate of a scene that is not open lies in {folder}.", folder=take.folder)
            self._say(text, about=lambda _: scene_of(take) is None)
        return False

    def _bring_in(self, take: Take) -> Iterator[None]:
        """Each step takes Blender so long, with what it draws then, that the next waits for another tick."""
        try:
            take = bring_home(self._queue, scene_of(take), take)
        except SceneError as error:
            self._complain(told(error), scene_of(take))
        # A failure to read them is said below, where the plate is shown.
        with suppress(SceneError):
            plate.open_movies(take.folder)
        yield
        scene = scene_of(take)
        if scene is None or self._queue.take(take.folder) is None:
            return

        def showing(scene) -> bool:
            shown = shown_folder(scene)
            return shown is not None and same(shown, take.folder)

        # Now, lest a plate that cannot be shown is tried again at every tick.
        self._queue.mark(take.folder, imported=True)
        try:
            show_take(scene, take)
        except IsaError as error:
            text = "{error} The results are kept in {folder}."
            self._complain(said(text, error=told(error), folder=take.folder), scene, showing)
            return
        except Exception as error:
            text = "The plate cannot be imported: {error}. The results are kept in {folder}."
            self._complain(said(text, error=repr(error), folder=take.folder), scene, showing)
            raise
        look_at_plate(scene)
        # Also in the file, so that an autosave after this step knows its takes.
        scene.isa.shot = take.shot_id
        self._say(said("{take} is on the camera.", take=take.name), scene, showing)
        yield
        push_undo("Generate Plate")
