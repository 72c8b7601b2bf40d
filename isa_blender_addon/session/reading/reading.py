"""Reading the scene frame by frame, with Blender drawing and listening in between."""

import dataclasses
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import bpy

from isa_engine.controls.set_occlusion import set_occludes_somebody
from isa_engine.errors import Cancelled, SceneError
from isa_engine.shot import Shot

from ... import background
from ...blender.window import redraw
from ...language.remark import Remark, remark
from ...preflight import check_shot
from ...preflight.file_state import check_copies
from ...preflight.finding import Finding, hold
from ...preflight.ground import check_ground
from ...scene.capture import capture_frames
from ...scene.ground import heights
from ...scene.timeline import frame_numbers
from ...scene.uncast import Uncast, copied_people
from ...settings.cast import playing, prompts, references
from ...settings.models import chosen
from ...settings.shot import can_hold_out, generation_settings
from ..progress import expected
from ..progress.course import Course
from .readiness import staging

# Seconds between two looks at what is done elsewhere, of who has nothing else to do.
_REST_SECONDS = 0.02
# Said of frames that were checked.
WELL = "Nothing in the frames stands in the way of a good plate."


class Reading:
    """A scene on its way to a shot: read one frame a ``step``, given its background, checked, handed over.

    Args:
        scene: made ready (``readiness.make_ready``).
        receive: takes the scene and its shot, whole and checked; None: its findings are all that comes of it.
        keep: gives the shot what it keeps of an earlier take, as soon as its frames are read: where nothing
            can be kept, no background is rendered in vain.
        anyway: hand it over even where a finding is serious.
        drop: called where it is not handed over.
        held: nothing is read, because a glance has found something serious.
        ahead: seconds of each phase up to the plate, as ``Course`` expects them.

    Attributes:
        over: whether there is nothing left to do.
        progress: what is being done, "read", "background" or "check", how many frames of it are done, and of
            how many.
        course: how far it is on its way to the plate.
        frames_read: whether the scene itself has been read: it is as it was, and the artist's again.
        held: whether the shot was not handed over because of a serious finding.
        said: what has come of it, where that is not to be seen.
    """

    def __init__(
        self,
        scene,
        receive: Callable[[Any, Shot], None] | None = None,
        anyway: bool = False,
        drop: Callable[[], None] = lambda: None,
        held: bool = False,
        ahead: Mapping[str, float] | None = None,
        keep: Callable[[Shot], Shot] = lambda shot: shot,
    ):
        self.scene, self.over, self.held, self.said = scene, held, held, Remark()
        self.progress = "read", 0, len(frame_numbers(scene))
        self.course, self.frames_read = Course(ahead or {}), False
        self._receive, self._anyway, self._drop, self._keep = receive, anyway, drop, keep
        self._scene_number = scene.session_uid
        self._findings: tuple[Finding, ...] = ()
        self._cancelled = False
        self._shot: Shot | None = None
        self._model, self._keeps = chosen(scene), scene.isa.background != "NONE"
        self._holds_out = scene.isa.background_holdout and can_hold_out(scene)
        self._background: background.Making | None = None
        self._checks: Future | None = None
        self._phase_began = time.monotonic()
        numbers = frame_numbers(scene)
        # On these frames it is looked whom the renderer shows beside the cast.
        self._looked = {int(numbers[k]) for k in (0, len(numbers) // 2, -1)}
        self._copies: set[Uncast] = set()
        # And how high the cast is above the ground.
        self._heights: list[dict[str, float]] = []
        self._frames = capture_frames(scene, generation_settings(scene), references(scene), prompts(scene))

    def held_in(self, scene) -> bool:
        """Whether this scene's shot was held."""
        return self.held and scene.session_uid == self._scene_number

    def findings_in(self, scene) -> tuple[Finding, ...]:
        """What was found, if the shot was read from this scene, of who still plays in it."""
        if scene.session_uid != self._scene_number:
            return ()
        names = {member.character.name_full for member in playing(scene)}
        return tuple(finding for finding in self._findings if finding.characters <= names)

    def drop(self, mended: Callable[[Finding], bool]) -> None:
        """Forget the findings that are mended."""
        self._findings = tuple(finding for finding in self._findings if not mended(finding))

    def cancel(self) -> None:
        """Let the next step end it."""
        self._cancelled = True

    def step(self) -> bool:
        """Read a frame, or wait a moment for background or checks; false when there is nothing left to do.

        Raises:
            IsaError: the scene cannot be read or the engine is gone; nothing is left behind.
            Cancelled: it was asked to end.
        """
        if self.over:
            return False
        try:
            if self._cancelled:
                if scene := self._scene_now():
                    self.said = remark("Canceled.", scene, staging)
                raise Cancelled
            if self._checks is not None:
                return self._check()
            if self._shot is not None:
                self._paint()
            else:
                self._read()
            self.course.reach(*self.progress)
        except ReferenceError as error:
            self.close()
            raise SceneError("the scene changed while it was read", remedy="Generate again.") from error
        except BaseException:
            self.close()
            raise
        return True

    def stretch(self, seconds: float) -> bool:
        """Steps for so long, or until others are waited for; false as ``step``."""
        end = time.monotonic() + seconds
        while self.step():
            if self.frames_read or time.monotonic() >= end:
                return True
        return False

    def rest(self) -> None:
        """Wait a moment where there is nothing to do but that."""
        if self.frames_read:
            time.sleep(_REST_SECONDS)

    def close(self) -> None:
        """Stop reading and put the scene back."""
        if self.over:
            return
        self.over = True
        self._frames.close()
        if self._background is not None:
            self._background.close()
        self._drop()

    def _scene_now(self):
        """The scene: undo may have replaced it since its frames were read. None where it is gone."""
        return next((each for each in bpy.data.scenes if each.session_uid == self._scene_number), None)

    def _took(self, what: object, rays: float = 1.0) -> None:
        """Remember how long a phase took that ends here, of frames that count so often."""
        now = time.monotonic()
        expected.note(what, now - self._phase_began, rays * len(self._shot.frame_numbers))
        self._phase_began = now

    def _read(self) -> None:
        try:
            self.progress = "read", *next(self._frames)
            if self.scene.frame_current in self._looked:
                self._looked.remove(self.scene.frame_current)
                self._copies |= copied_people(self.scene)
                self._heights.append(heights(self.scene))
            return
        except StopIteration as done:
            (self._shot, metre), self.frames_read = done.value, True
        self._took("read")
        self._shot = self._keep(self._shot)
        if self._receive is not None:
            self._background = background.begin(self.scene, self._shot, metre)
        if self._background is None:
            self._begin_checks()

    def _paint(self) -> None:
        movie = self._background.poll()
        if movie is None:
            self.progress = "background", self._background.done, self._background.total
            return
        self._shot = dataclasses.replace(
            self._shot,
            background=movie,
            background_depth=self._background.depth,
            shadows=self._background.shadows,
        )
        if scene := self._scene_now():
            # One that was there already tells nothing of how long its kind takes.
            if self._background.done:
                self._took(expected.kind_of_background(scene), expected.rays(scene))
            # One with shadows is made again where somebody moves.
            if not self._background.shadows:
                expected.note(expected.background_of(scene), 0, 1)
        self._begin_checks()

    def _begin_checks(self) -> None:
        pool = ThreadPoolExecutor(1, "isa-checks")
        self._checks = pool.submit(_checked, self._shot, self._model, self._keeps, self._holds_out)
        pool.shutdown(wait=False)
        self.progress, self._phase_began = ("check", 0, self._shot.frames), time.monotonic()

    def _check(self) -> bool:
        if not self._checks.done():
            return True
        self._took("check")
        scene = self._scene_now()
        if scene is None:
            raise SceneError("the scene was removed before its shot was whole")
        first = int(self._shot.frame_numbers[0])
        beside = *check_copies(self.scene, self._copies), *check_ground(self._heights, first)
        self._shot, found = self._checks.result()
        self._findings = (*beside, *found)
        self.held = self._receive is not None and hold(self._findings) and not self._anyway
        if self._receive is not None and not self.held:
            self._receive(scene, self._shot)
            self.over = True
        else:
            self.close()
            if not self._findings:
                self.said = remark(WELL, scene, staging)
        # Nothing was sent: no timer runs that would have the panel drawn.
        redraw()
        return False


def _checked(shot: Shot, model: Any, keeps: bool, holds_out: bool) -> tuple[Shot, list[Finding]]:
    """The shot with what is found of it.

    How far the set is stays with it only where that steers the model, or a part of the set hides somebody: of
    a long take it is hundreds of megabytes.

    Args:
        holds_out: whether the set may hide anybody.
    """
    if shot.background_depth is not None:
        steers = shot.settings.steering == "depth"
        if not steers and not (holds_out and set_occludes_somebody(shot)):
            shot = dataclasses.replace(shot, background_depth=None)
    return shot, check_shot(shot, model, keeps)
