"""Reading the scene frame by frame, with Blender drawing and listening in between."""

import dataclasses
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from pathlib import Path

from isa_engine.errors import SceneError
from isa_engine.shot import Shot

from .. import background
from ..preflight import check_shot
from ..scene.camera import camera_at
from ..scene.capture import capture_frames
from ..scene.picture import changed
from ..scene.timeline import frame_numbers
from ..settings.cast import playing, references, refresh_cast
from ..settings.shot import generation_settings
from ..takes.folders import new_take
from ..takes.take import discard_folder
from .current import redraw, session

# Blender draws and listens between two stretches of reading.
_STRETCH_SECONDS = 0.01
_CHECKING_SECONDS = 0.01
_PAINTING_SECONDS = 0.02


class Reading:
    """The scene, read one frame a ``step``, given its background, checked, then perhaps on its way.

    Where it goes is ``prepare``'s and ``hand_over``'s: to the engine.

    Args:
        send: on its way, once it is read; else its findings are all that comes of it.
        anyway: even where a finding is serious.

    Raises:
        IsaError: the scene, the output folder or the engine is not ready; nothing is left behind.
    """

    def __init__(self, scene, send: bool = True, anyway: bool = False):
        now = session()
        now.forget()
        now.stop_capture = False
        refresh_cast(scene)
        if problem := obstacle(scene):
            raise problem
        if send and scene.isa.background == "FOOTAGE":
            background.footage_numbers(scene, frame_numbers(scene))
        self.scene, self.send, self.anyway = scene, send, anyway
        self.take: Path | None = None
        if send:
            self.prepare()
        self._shot: Shot | None = None
        self._background: background.Work | None = None
        self._checks: Future | None = None
        self._frames = capture_frames(scene, generation_settings(scene), references(scene))
        now.captured = 0, len(frame_numbers(scene))

    def prepare(self) -> None:
        """Make ready what takes the shot.

        Raises:
            IsaError: nothing can take it.
        """
        # The engine starts while the scene is read.
        session().start_engine()
        self.take = new_take(self.scene)

    def hand_over(self, shot: Shot) -> None:
        """The shot, whole and checked.

        Raises:
            IsaError: it is not taken.
        """
        session().submit(self.scene, shot, self.take)

    def step(self) -> bool:
        """Read a frame, or wait a moment for background or checks; false when there is nothing left to do.

        Raises:
            IsaError: the scene cannot be read or the engine is gone; nothing is left behind.
        """
        try:
            if self._checks is not None:
                return self._check()
            if self._shot is not None:
                self._paint()
            else:
                self._read()
        except ReferenceError as error:
            self.close()
            raise SceneError("the scene changed while it was read", remedy="Generate again.") from error
        except Exception:
            self.close()
            raise
        return True

    def _read(self) -> None:
        try:
            session().captured = next(self._frames)
            return
        except StopIteration as done:
            self._shot = done.value
        if self.send:
            self._background = background.begin(self.scene, self._shot)
        if self._background is None:
            self._begin_checks()

    def _paint(self) -> None:
        movie = self._background.poll()
        if movie is None:
            session().painted = self._background.done, self._background.total
            time.sleep(_PAINTING_SECONDS)
            return
        self._shot = dataclasses.replace(self._shot, background=movie)
        self._begin_checks()

    def _begin_checks(self) -> None:
        session().painted = None
        pool = ThreadPoolExecutor(1, "isa-checks")
        self._checks = pool.submit(check_shot, self._shot)
        pool.shutdown(wait=False)

    def _check(self) -> bool:
        try:
            found = tuple(self._checks.result(_CHECKING_SECONDS))
        except NotYet:
            return True
        now = session()
        held = self.send and not self.anyway and any(finding.serious for finding in found)
        now.find(self.scene, found, held)
        if self.send and not held:
            self.hand_over(self._shot)
            now.captured = None
        else:
            self.close()
            if not found:
                text = "Nothing in the frames stands in the way of a good plate."
                now.say(text, self.scene, staging)
        # No timer may look after the session now.
        redraw()
        return False

    def stretch(self) -> bool:
        """Steps for as long as Blender may stand still; false as ``step``."""
        end = time.monotonic() + _STRETCH_SECONDS
        while self.step():
            if time.monotonic() >= end:
                return True
        return False

    def close(self) -> None:
        """Stop reading and put the scene back."""
        self._frames.close()
        if self._background is not None:
            self._background.close()
        if self.take is not None:
            discard_folder(self.take)
        session().captured = session().painted = None


def obstacle(scene) -> SceneError | None:
    """Why nothing can be generated from the scene as it is, as far as a glance tells."""
    try:
        frame_numbers(scene)
        camera_at(scene, scene.frame_start)
    except SceneError as error:
        return error
    if not playing(scene):
        remedy = "Add one (Add ▸ SMPL-X Character), show it in renders, or include it in the cast."
        problem = "there is no character"
        return SceneError(problem, where="scene '{scene}'", remedy=remedy, scene=scene.name)
    return None


def staging(scene) -> object:
    """What the artist can change in answer to a sentence on the scene; cheap enough for drawing."""
    isa, render, camera = scene.isa, scene.render, scene.camera
    cast = [
        (
            m.character and m.character.name_full,
            m.shown,
            m.include,
            m.pose,
            m.frame,
            m.ghost,
            changed(m.picture),
        )
        for m in isa.cast
    ]
    return (
        (scene.frame_start, scene.frame_end, scene.frame_step, render.fps, render.fps_base),
        (render.resolution_x, render.resolution_y, render.pixel_aspect_x, render.pixel_aspect_y),
        (camera, camera and camera.data and camera.data.type, len(scene.objects)),
        (isa.model, isa.background, isa.footage, isa.footage_start, isa.folder),
        cast,
    )
