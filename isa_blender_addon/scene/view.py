"""What a frame of a scene shows: its camera, and how everybody stands before it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from isa_engine.geometry.camera import modelview_projection
from isa_engine.shot import ReferencePose
from isa_engine.shot.shot import SKELETON

from . import timeline
from .camera import camera_to_world, evaluated_camera, intrinsics
from .characters import CharacterRig, rendered
from .skeleton import Skeleton
from .stance import Stance
from .surface import Surface, surfaces
from .units import size_of

# Units from corner to corner below which nobody is seen.
_VANISHED = 1e-6


@dataclass(frozen=True)
class Ghost:
    """A character's stand-in for its picture.

    Attributes:
        mesh: object with the character's mesh data.
        camera: object that looks at it as the picture was taken.
        size: of the picture in pixels.
    """

    mesh: Any
    camera: Any
    size: tuple[int, int]


@dataclass(frozen=True)
class View:
    """What one frame shows, or a picture; lengths are in the scene's units until they are ``scaled``.

    Attributes:
        camera: the object; None where it is only known how it stood.
        intrinsics, camera_to_world: ``(4,)`` and ``(4, 4)``, as in ``geometry.camera``.
        points: each character's, ``(N, 3)`` float32.
        joints: each one's, ``(60, 3)`` float32, NaN where there are none; nobody's of a picture.
        shown: whether each is rendered.
    """

    camera: Any
    intrinsics: tuple[float, float, float, float]
    camera_to_world: np.ndarray
    points: list[np.ndarray]
    joints: list[np.ndarray]
    shown: list[bool]

    def scaled(self, factor: float) -> "View":
        """The same view of a scene whose lengths are all multiplied."""
        camera = self.camera_to_world.copy()
        camera[:3, 3] *= factor
        points = [(factor * places).astype(np.float32) for places in self.points]
        joints = [(factor * places).astype(np.float32) for places in self.joints]
        return replace(self, camera_to_world=camera, points=points, joints=joints)

    def pose(self, picture: int, index: int) -> ReferencePose:
        """How one of those in it stands in a picture that shows it.

        Args:
            picture: of the shot's, its index.
        """
        mvp = modelview_projection(self.intrinsics, self.camera_to_world)
        return ReferencePose(picture, self.points[index], mvp)


def view_of_frame(
    scene,
    frame: int,
    follow: Callable[[], None],
    bodies: list[Surface],
    skeletons: list[Skeleton | None],
) -> View:
    """The cast at a frame, to which the scene is brought; ``follow`` is of ``as_rendered``."""
    # A modal operator lets the artist scrub between two steps, so the frame is set for each.
    scene.frame_set(frame)
    follow()
    camera, points = evaluated_camera(scene, frame), [body.points() for body in bodies]
    each = list(zip(bodies, skeletons, points, strict=True))
    return View(
        camera.original,
        intrinsics(camera, scene),
        camera_to_world(camera),
        points,
        [_joints(scene, body.character, skeleton) for body, skeleton, _ in each],
        # A key of scale zero hides, too.
        [rendered(body.character.mesh) and size_of(places) > _VANISHED for body, _, places in each],
    )


def view_of_ghost(scene, character: CharacterRig, ghost: Ghost) -> View:
    """The ghost alone, as its camera sees it."""
    (body,) = surfaces([replace(character, mesh=ghost.mesh)], scene)
    camera = ghost.camera.evaluated_get(timeline.view_layer(scene).depsgraph)
    seen = intrinsics(camera, scene, ghost.size)
    return View(camera.original, seen, camera_to_world(camera), [body.points()], [], [True])


def view_of_stance(body: Surface, stance: Stance) -> View:
    """A character alone, in metres, as it stood when its picture was made."""
    points = body.points_of(stance.vertices, stance.to_world)
    return View(None, stance.intrinsics, stance.camera_to_world, [points], [], [True])


def _joints(scene, character: CharacterRig, skeleton: Skeleton | None) -> np.ndarray:
    if skeleton is None:
        return np.full((SKELETON, 3), np.nan, np.float32)
    return skeleton.places(character.armature.evaluated_get(timeline.view_layer(scene).depsgraph))
