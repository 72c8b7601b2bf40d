"""Scene → shot: walk the frames, read cameras and surface points, leave the scene as it was."""

from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from isa_engine.errors import SceneError
from isa_engine.geometry.camera import modelview_projection
from isa_engine.shot import Character, ReferencePose, Settings, Shot, validate
from isa_engine.shot.shot import SKELETON

from . import timeline
from .as_rendered import as_rendered
from .camera import camera_to_world, evaluated_camera, intrinsics
from .characters import CharacterRig, check_mode, find_characters, nobody_plays, rendered
from .keep import kept
from .picture import read_picture
from .skeleton import Skeleton
from .stance import Stance
from .surface import Surface, surfaces, surfaces_in_steps
from .units import size_of, unit_in_metres

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
class Reference:
    """A character's reference picture.

    Attributes:
        path: PNG or JPEG; "//" starts a path relative to the blend file.
        frame: the scene frame whose pose and camera the picture shows; None: the shot's first.
        ghost: stands as the picture shows, where that is no frame of the scene.
        stance: as the character stood when the picture was made of the scene, which may have changed since.
    """

    path: str | Path
    frame: int | None = None
    ghost: Ghost | None = None
    stance: Stance | None = None


class Captured(NamedTuple):
    """A scene that was read.

    Attributes:
        metre: metres of one of its units.
    """

    shot: Shot
    metre: float


def capture_frames(
    scene,
    settings: Settings,
    references: Mapping[str, Reference] | None = None,
    prompts: Mapping[str, str] | None = None,
) -> Generator[tuple[int, int], None, Captured]:
    """Read the scene's frames in steps: yields ``(done, total)`` frames after each, returns what it read.

    Where a unit of the scene is no metre, the whole shot is scaled to metres; no picture of it changes.

    Between the steps the scene stands at the frame that was read. At the end, and where the generator is
    closed, everything is put back.

    Args:
        settings: how to generate, the canvas among it (``shot.canvas_size`` of ``timeline.frame_shape``).
        references: by the character's name; characters without one are left to the model.
        prompts: what the pictures do not tell of them, by the character's name.

    Raises:
        SceneError: no camera, no character, an unusable picture, ...: names it and says what to do.
        ShotError: the shot exceeds its limits.
    """
    references, prompts = references or {}, prompts or {}
    numbers = timeline.frame_numbers(scene)
    first = int(numbers[0])
    pictures = {name: read_picture(reference.path, name) for name, reference in references.items()}
    poses = {
        name: first if reference.frame is None else reference.frame for name, reference in references.items()
    }
    ghosts = {name: reference.ghost for name, reference in references.items() if reference.ghost}
    stances = {name: reference.stance for name, reference in references.items() if reference.stance}
    # The reference poses may lie outside the range.
    visits = dict.fromkeys([*numbers.tolist(), *poses.values()])

    with kept(scene), ExitStack() as stack:
        # Reading the pictures takes as long as some frames do: Blender draws before the cast is read.
        yield 0, len(visits)
        scene.frame_set(first)
        cast = _cast(scene, references)
        follow = stack.enter_context(as_rendered(scene, [character.mesh for character in cast]))
        try:
            bodies = yield from _saying((0, len(visits)), surfaces_in_steps(cast, scene))
            matched = {
                character.name: _matched(scene, character, ghosts[character.name])
                for character in cast
                if character.name in ghosts
            }
            stood = {
                body.character.name: _stood(body, stances[body.character.name])
                for body in bodies
                if body.character.name in stances
            }
            bones = [Skeleton(each.armature) if each.armature else None for each in cast]
            for done, frame in enumerate(visits, 1):
                visits[frame] = _read(scene, frame, follow, bodies, bones)
                yield done, len(visits)
        except ReferenceError as error:
            remedy = "Generate again."
            raise SceneError("a character was removed while the scene was read", remedy=remedy) from error
        shown = np.array([visits[frame].shown for frame in numbers.tolist()])
        # Who comes and goes, and is not there in these frames.
        present = [index for index in range(len(cast)) if shown[:, index].any()]
        if not present:
            raise nobody_plays(scene)
        names = [cast[index].name for index in present]

    sizes = [size_of(visits[int(numbers[shown[:, index].argmax()])].points[index]) for index in present]
    metre = unit_in_metres(scene, sizes)
    visits = {frame: view.scaled(metre) for frame, view in visits.items()}
    views = [visits[frame] for frame in numbers.tolist()]
    unique = list(dict.fromkeys(pictures[name] for name in names if name in pictures))
    characters = []
    for index, name in zip(present, names, strict=True):
        reference = None
        if name in matched:
            reference = _posed(unique.index(pictures[name]), matched[name].scaled(metre), 0)
        elif name in stood:
            reference = _posed(unique.index(pictures[name]), stood[name], 0)
        elif name in references:
            reference = _posed(unique.index(pictures[name]), visits[poses[name]], index)
        triangles, prompt = bodies[index].triangles, prompts.get(name, "")
        characters.append(_character(index, name, triangles, views, reference, prompt))
    width, height = timeline.render_size(scene)
    shot = Shot(
        fps=timeline.fps(scene),
        width=width,
        height=height,
        frame_numbers=numbers,
        intrinsics=np.array([view.intrinsics for view in views], np.float64),
        camera_to_world=np.stack([view.camera_to_world for view in views]),
        characters=tuple(characters),
        references=tuple(unique),
        # One picture of the whole cast in the scene is also the frame that Eq. 20 concatenates.
        frame_reference=0 if len(unique) == 1 and set(names) <= set(references) - set(matched) else None,
        settings=settings,
        cuts=tuple(k for k in range(1, len(views)) if views[k].camera != views[k - 1].camera),
    )
    return Captured(validate(shot), metre)


def _saying(progress: tuple[int, int], steps: Generator[None, None, list[Surface]]):
    """The steps, with something to say at each of them."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value
        yield progress


@dataclass(frozen=True)
class _View:
    """What one frame shows: the camera; each character's points ``(N, 3)`` and joints ``(60, 3)``, NaN where
    there are none, and whether it is rendered."""

    camera: Any
    intrinsics: tuple[float, float, float, float]
    camera_to_world: np.ndarray
    points: list[np.ndarray]
    joints: list[np.ndarray]
    shown: list[bool]

    def scaled(self, factor: float) -> "_View":
        """The same view of a scene whose lengths are all multiplied."""
        camera = self.camera_to_world.copy()
        camera[:3, 3] *= factor
        points = [(factor * places).astype(np.float32) for places in self.points]
        joints = [(factor * places).astype(np.float32) for places in self.joints]
        return replace(self, camera_to_world=camera, points=points, joints=joints)


def _posed(picture: int, view: _View, index: int) -> ReferencePose:
    """How one of those in a view stands in a picture that shows it."""
    mvp = modelview_projection(view.intrinsics, view.camera_to_world)
    return ReferencePose(picture, view.points[index], mvp)


def _character(
    index: int,
    name: str,
    triangles: np.ndarray,
    views: list[_View],
    reference: ReferencePose | None,
    prompt: str,
) -> Character:
    """One of those in the views, of which each is a frame of the shot."""
    shown = np.array([view.shown[index] for view in views])
    joints = [view.joints[index] for view in views]
    return Character(
        name,
        np.stack([view.points[index] for view in views]),
        triangles,
        reference,
        None if shown.all() else shown,
        None if np.isnan(joints[0]).all() else np.stack(joints),
        prompt,
    )


def _read(
    scene,
    frame: int,
    follow: Callable[[], None],
    bodies: list[Surface],
    bones: list[Skeleton | None],
) -> _View:
    # A modal operator lets the artist scrub between two steps, so the frame is set for each.
    scene.frame_set(frame)
    follow()
    camera, points = evaluated_camera(scene, frame), [body.points() for body in bodies]
    return _View(
        camera.original,
        intrinsics(camera, scene),
        camera_to_world(camera),
        points,
        [_joints(scene, body.character, skeleton) for body, skeleton in zip(bodies, bones, strict=True)],
        # A key of scale zero hides, too.
        [rendered(b.character.mesh) and size_of(p) > _VANISHED for b, p in zip(bodies, points, strict=True)],
    )


def _joints(scene, character: CharacterRig, skeleton: Skeleton | None) -> np.ndarray:
    if skeleton is None:
        return np.full((SKELETON, 3), np.nan, np.float32)
    return skeleton.places(character.armature.evaluated_get(timeline.view_layer(scene).depsgraph))


def _matched(scene, character: CharacterRig, ghost: Ghost) -> _View:
    """The ghost alone, as its camera sees it."""
    (body,) = surfaces([replace(character, mesh=ghost.mesh)], scene)
    camera = ghost.camera.evaluated_get(timeline.view_layer(scene).depsgraph)
    seen = intrinsics(camera, scene, ghost.size)
    return _View(camera.original, seen, camera_to_world(camera), [body.points()], [], [True])


def _stood(body: Surface, stance: Stance) -> _View:
    """A character alone, in metres, as it stood when its picture was made."""
    points = body.points_of(stance.vertices, stance.to_world)
    return _View(None, stance.intrinsics, stance.camera_to_world, [points], [], [True])


def _cast(scene, references: Mapping[str, Reference]) -> list:
    cast = [character for character in find_characters(scene) if character.included]
    for character in cast:
        check_mode(scene, character)
    if not cast:
        raise nobody_plays(scene)
    names = {character.name for character in cast}
    for name in references:
        if name not in names:
            raise SceneError(
                "a picture is given for '{name}', who is not in the cast",
                remedy="The cast is: {names}.",
                name=name,
                names=", ".join(sorted(names)),
            )
    return cast
