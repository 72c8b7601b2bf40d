"""What is to be drawn of the scene now: read when something changed, not at every redraw."""

import bpy

from isa_engine.errors import IsaError, SceneError

from ..language.translation import told
from ..scene.camera import camera_to_world, evaluated_camera, intrinsics
from ..scene.characters import evaluated, find_characters
from ..scene.events import Listeners
from ..scene.surface import Surface, surfaces
from ..session.current import session
from ..settings.cast import playing
from ..settings.models import model_named
from .geometry import Body, Drawing, View, drawing


class Watch:
    """Keeps what is to be drawn of a scene; there is one in each Blender.

    Attributes:
        problem: a sentence, where the scene cannot be drawn.
    """

    def __init__(self):
        self.problem = ""
        self._changed = True
        self._cast_key = self._scene_key = None
        # Those of the cast whom the viewport shows, by their number in it.
        self._drawn: list[int] = []
        self._surfaces: list[Surface] = []
        self._drawing: Drawing | None = None

    def mark(self) -> None:
        """Something in the scene may have moved."""
        self._changed = True

    def forget(self) -> None:
        """Objects that are known may be gone."""
        self._changed, self._cast_key, self._surfaces, self._drawing = True, None, [], None

    def drawing(self, scene) -> Drawing | None:
        """What to draw of a scene; None where ``problem`` says why not."""
        key = scene.session_uid, scene.isa.model, tuple(member.colour[:] for member in playing(scene))
        # While the scene is read frame by frame, the last picture stays.
        if not session().busy and (self._changed or key != self._scene_key):
            self._changed, self._scene_key = False, key
            try:
                self._drawing, self.problem = self._read(scene), ""
            except ReferenceError:
                self.forget()
            except IsaError as error:
                self.forget()
                self._changed, self.problem = False, told(error)
        return self._drawing

    def _read(self, scene) -> Drawing:
        camera = evaluated_camera(scene, scene.frame_current)
        view = View(intrinsics(camera, scene), camera_to_world(camera))
        members = playing(scene)
        if not members:
            raise SceneError("there is no character to draw", where="scene '{scene}'", scene=scene.name)
        # A search of the scene costs more than a redraw may.
        cast_key = tuple(member.character.session_uid for member in members), len(bpy.data.objects)
        if cast_key != self._cast_key:
            rigs = {rig.armature or rig.mesh: rig for rig in find_characters(scene)}
            # A body that is off in viewports is not evaluated there: it would be drawn at rest.
            cast = [rigs[member.character] for member in members]
            self._drawn = [k for k, rig in enumerate(cast) if evaluated(rig.mesh, scene)]
            self._surfaces = surfaces([cast[k] for k in self._drawn], scene)
            self._cast_key = cast_key
        bodies = [
            Body(surface.points(), surface.triangles, tuple(members[k].colour))
            for k, surface in zip(self._drawn, self._surfaces, strict=True)
        ]
        return drawing(bodies, view, model_named(scene.isa.model).points)


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
