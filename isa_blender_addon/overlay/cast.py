"""The cast of a scene as it stands now, for drawing."""

import bpy
import numpy as np

from isa_engine.errors import IsaError
from isa_engine.shot.shot import SKELETON

from ..scene.characters import CharacterRig, check_mode, evaluated, find_characters, rendered
from ..scene.skeleton import Skeleton
from ..scene.surface import Surface, surfaces
from ..scene.timeline import view_layer
from ..settings.cast import CastMember
from .geometry import Body


class Cast:
    """Reads bodies, and keeps what takes long to find: who they are, and where points lie on their meshes."""

    def __init__(self):
        self.forget()

    def forget(self) -> None:
        """Objects that are known may be gone."""
        self._key: tuple | None = None
        # Of each member, None for who is no longer there; and by the member's number what was read once.
        self._rigs: list[CharacterRig | None] = []
        self._known: dict[int, tuple[Surface, Skeleton | None]] = {}

    def bodies(self, scene, members: list[CastMember]) -> tuple[list[Body], list[str]]:
        """Those whom the render shows on this frame; and the names of others whom it shows: a body that is
        off in viewports is not posed there, and cannot be drawn.

        Raises:
            SceneError: a body cannot be read.
        """
        # A search of the scene costs more than a redraw may.
        people = tuple(member.character.session_uid for member in members)
        # Two scenes may have the same people, each at a frame of its own.
        key = scene.session_uid, people, len(bpy.data.objects)
        if key == self._key:
            try:
                return self._read(scene, members)
            except (IsaError, ReferenceError, IndexError):
                # What was found has been edited since.
                pass
        self.forget()
        rigs = {rig.armature or rig.mesh: rig for rig in find_characters(scene)}
        # The list of members may not know yet who is gone.
        self._rigs, self._key = [rigs.get(member.character) for member in members], key
        return self._read(scene, members)

    def _read(self, scene, members: list[CastMember]) -> tuple[list[Body], list[str]]:
        shown = {k: rig for k, rig in enumerate(self._rigs) if rig is not None and rendered(rig.mesh)}
        for rig in shown.values():
            check_mode(scene, rig)
        posed = [k for k, rig in shown.items() if evaluated(rig.mesh, scene)]
        new = [k for k in posed if k not in self._known]
        for k, surface in zip(new, surfaces([shown[k] for k in new], scene), strict=True):
            armature = shown[k].armature
            self._known[k] = surface, Skeleton(armature) if armature else None
        bodies = []
        for k in posed:
            surface, skeleton = self._known[k]
            colour = tuple(members[k].colour)
            joints = _joints(scene, shown[k].armature, skeleton)
            bodies.append(Body(surface.points(), surface.triangles, colour, joints))
        return bodies, [rig.name for k, rig in shown.items() if k not in posed]


def _joints(scene, armature, skeleton: Skeleton | None) -> np.ndarray:
    if skeleton is None:
        return np.full((SKELETON, 3), np.nan, np.float32)
    return skeleton.places(armature.evaluated_get(view_layer(scene).depsgraph))
