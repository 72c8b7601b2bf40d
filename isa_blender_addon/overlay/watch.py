"""What is to be drawn of the scene now: read when something changed, not at every redraw."""

from dataclasses import replace

import numpy as np

from isa_engine.errors import IsaError, SceneError

from ..blender.events import Listeners
from ..language.translation import said, told
from ..scene.camera import camera_at, camera_to_world, evaluated_camera, intrinsics
from ..scene.timeline import frame_shape, view_layer
from ..scene.units import size_of, unit_in_metres
from ..session.current import session
from ..settings.cast import playing
from ..settings.models import model_named
from ..settings.shot import canvas, generation_settings
from .cast import Cast
from .controls import control_picture
from .geometry import CANVAS_DISTANCE, Drawing, View, drawing
from .set import TooFine, set_depth


class Watch:
    """Keeps what is to be drawn of a scene; there is one in each Blender."""

    def __init__(self):
        # By the scene's ``session_uid``: two windows may show two scenes.
        self._problems: dict[int, str] = {}
        self._changed = True
        self._scene_key = None
        self._cast = Cast()
        self._drawing: Drawing | None = None

    def mark(self) -> None:
        """Something in the scene may have moved."""
        self._changed = True

    def forget(self) -> None:
        """Objects that are known may be gone."""
        self._changed, self._drawing = True, None
        self._cast.forget()

    def drawing(self, scene) -> Drawing | None:
        """What to draw of a scene; None where ``problem`` says why not."""
        # While the scene is read frame by frame, the last picture stays.
        if session().busy:
            return self._drawing
        before, self._scene_key = self._scene_key, None
        try:
            self._scene_key = self._key(scene)
            if self._changed or self._scene_key != before:
                self._changed = False
                self._drawing, self._problems[scene.session_uid] = self._read(scene)
        except ReferenceError:
            self.forget()
        except IsaError as error:
            self.forget()
            self._changed, self._problems[scene.session_uid] = False, told(error)
        return self._drawing

    def problem(self, scene) -> str:
        """A sentence, where the scene could not be drawn, or not all of it."""
        return self._problems.get(scene.session_uid, "")

    def _key(self, scene) -> tuple:
        """What Blender does not always tell of when it changes, and what is not the scene's to tell."""
        colours = tuple(member.colour[:] for member in playing(scene))
        looks = model_named(scene.isa.model), tuple(sorted(scene.isa.controls)), colours
        seen = camera_at(scene, scene.frame_current).session_uid, frame_shape(scene), scene.frame_current
        return scene.session_uid, view_layer(scene).name, looks, seen, _looks_at_set(scene)

    def _read(self, scene) -> tuple[Drawing, str]:
        """What to draw, and a sentence about what is not drawn."""
        camera = evaluated_camera(scene, scene.frame_current)
        view = View(intrinsics(camera, scene), camera_to_world(camera))
        members, model = playing(scene), model_named(scene.isa.model)
        if not members:
            raise SceneError("there is no character to draw in scene '{scene}'", scene=scene.name)
        bodies, off = self._cast.bodies(scene, members)
        # As the model gets it: nearness is told in metres.
        metre = unit_in_metres(scene, [size_of(body.points) for body in bodies])
        view = View(view.intrinsics, _scaled(view.camera_to_world, metre))
        bodies = [replace(b, points=metre * b.points, joints=metre * b.joints) for b in bodies]
        made = drawing(bodies, view, model.points, _distance(camera.data, metre)).scaled(1 / metre)
        # Of another model's, whatever was chosen for it is not drawn.
        told_of = []
        if off:
            sentence = "Off in viewports, so generated but not drawn: {names}."
            told_of.append(said(sentence, names=", ".join(off)))
        if model.controls and scene.isa.controls:
            size, behind = canvas(scene), None
            if _looks_at_set(scene):
                try:
                    behind = set_depth(scene, view, metre, size)
                except TooFine:
                    told_of.append(said("The set's depth is sent, but the set is too fine to be drawn here."))
            picture = control_picture(bodies, view, size, scene.isa.controls, behind)
            made = replace(made, controls=picture)
        return made, " ".join(told_of)


def _looks_at_set(scene) -> bool:
    """Whether the set's depth is to be seen: where it steers the model."""
    if "depth" not in scene.isa.controls or scene.isa.background != "RENDER":
        return False
    return generation_settings(scene).steering == "depth"


def _distance(camera, metre: float) -> float:
    """Metres before a camera at which it shows the canvas."""
    near, far = metre * camera.clip_start, metre * camera.clip_end
    between = np.sqrt(near * far)
    return float(np.clip(CANVAS_DISTANCE, min(1.1 * near, between), max(0.95 * far, between)))


def _scaled(camera_to_world: np.ndarray, factor: float) -> np.ndarray:
    result = camera_to_world.copy()
    result[:3, 3] *= factor
    return result


watch = Watch()


def _mark(*_) -> None:
    watch.mark()


def _forget(*_) -> None:
    watch.forget()


_LISTENERS = Listeners(
    depsgraph_update_post=_mark,
    frame_change_post=_mark,
    undo_post=_forget,
    redo_post=_forget,
    load_post=_forget,
)


def register() -> None:
    _LISTENERS.register()


def unregister() -> None:
    _LISTENERS.unregister()
    watch.forget()
