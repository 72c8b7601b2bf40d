"""Scene → shot: walk the frames, read cameras and surface points, leave the scene as it was."""

from collections.abc import Generator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from isa_engine.errors import SceneError
from isa_engine.shot import Character, ReferencePose, Settings, Shot, validate

from . import timeline
from .as_rendered import as_rendered
from .characters import check_mode, find_characters, nobody_plays
from .keep import kept
from .picture import read_picture
from .skeleton import Skeleton
from .stance import Stance
from .surface import Surface, surfaces_in_steps
from .units import size_of, unit_in_metres
from .view import Ghost, View, view_of_frame, view_of_ghost, view_of_stance


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
    references = references or {}
    pictures = {name: read_picture(reference.path, name) for name, reference in references.items()}
    seen = yield from _seen(scene, references)
    if not seen.present:
        raise nobody_plays(scene)
    metre = unit_in_metres(scene, seen.sizes())
    seen = seen.scaled(metre)
    return Captured(validate(_shot(scene, settings, seen, references, pictures, prompts or {})), metre)


@dataclass(frozen=True)
class _Seen:
    """What was seen of a scene, in its units until it is ``scaled``.

    Attributes:
        numbers: ``(F,)`` the shot's frames.
        names: of those in the views, in their order.
        triangles: ``(M, 3)`` of each of them.
        views: of the frames, and of those that reference pictures show.
        ghosts: by name, of those who are matched to their pictures.
        stances: by name, in metres from the beginning, of those of whom it is kept how they stood.
    """

    numbers: np.ndarray
    names: list[str]
    triangles: list[np.ndarray]
    views: dict[int, View]
    ghosts: dict[str, View]
    stances: dict[str, View]

    @cached_property
    def shown(self) -> np.ndarray:
        """``(F, characters)`` bool, whether each is rendered."""
        return np.array([self.views[number].shown for number in self.numbers.tolist()])

    @property
    def present(self) -> list[int]:
        """Those who are there in any of the shot's frames: others come and go elsewhere."""
        return np.flatnonzero(self.shown.any(0)).tolist()

    def sizes(self) -> list[float]:
        """How large those who are present are where they first are (``size_of``)."""
        first = self.numbers[self.shown.argmax(0)]
        return [size_of(self.views[int(first[index])].points[index]) for index in self.present]

    def scaled(self, factor: float) -> "_Seen":
        """The same of a scene whose lengths are all multiplied."""
        views = {frame: view.scaled(factor) for frame, view in self.views.items()}
        return replace(
            self, views=views, ghosts={name: view.scaled(factor) for name, view in self.ghosts.items()}
        )


def _seen(scene, references: Mapping[str, Reference]) -> Generator[tuple[int, int], None, _Seen]:
    """Go through the frames; as ``capture_frames``."""
    numbers = timeline.frame_numbers(scene)
    # The reference poses may lie outside the range.
    frames = list(dict.fromkeys([*numbers.tolist(), *_pictured(references, numbers).values()]))
    with kept(scene), ExitStack() as stack:
        # Reading the pictures takes as long as some frames do: Blender draws before the cast is read.
        yield 0, len(frames)
        scene.frame_set(frames[0])
        cast = _cast(scene, references)
        follow = stack.enter_context(as_rendered(scene, [character.mesh for character in cast]))
        views, ghosts, stances = {}, {}, {}
        try:
            bodies = yield from _saying((0, len(frames)), surfaces_in_steps(cast, scene))
            for body in bodies:
                name = body.character.name
                reference = references.get(name)
                if reference and reference.ghost:
                    ghosts[name] = view_of_ghost(scene, body.character, reference.ghost)
                if reference and reference.stance:
                    stances[name] = view_of_stance(body, reference.stance)
            skeletons = [Skeleton(each.armature) if each.armature else None for each in cast]
            for frame in frames:
                views[frame] = view_of_frame(scene, frame, follow, bodies, skeletons)
                yield len(views), len(frames)
        except ReferenceError as error:
            remedy = "Generate again."
            raise SceneError("a character was removed while the scene was read", remedy=remedy) from error
        names, triangles = [each.name for each in cast], [body.triangles for body in bodies]
    return _Seen(numbers, names, triangles, views, ghosts, stances)


def _pictured(references: Mapping[str, Reference], numbers: np.ndarray) -> dict[str, int]:
    """The frame that each one's picture shows."""
    first = int(numbers[0])
    return {
        name: first if reference.frame is None else reference.frame for name, reference in references.items()
    }


def _shot(
    scene,
    settings: Settings,
    seen: _Seen,
    references: Mapping[str, Reference],
    pictures: Mapping[str, bytes],
    prompts: Mapping[str, str],
) -> Shot:
    """The shot of what was seen.

    Args:
        seen: in metres.
        pictures, prompts: by name.
    """
    names = [seen.names[index] for index in seen.present]
    views = [seen.views[number] for number in seen.numbers.tolist()]
    pictured = _pictured(references, seen.numbers)
    unique = list(dict.fromkeys(pictures[name] for name in names if name in pictures))
    characters = []
    for index, name in zip(seen.present, names, strict=True):
        pose = None
        if name in references:
            picture = unique.index(pictures[name])
            if name in seen.ghosts:
                pose = seen.ghosts[name].pose(picture, 0)
            elif name in seen.stances:
                pose = seen.stances[name].pose(picture, 0)
            else:
                pose = seen.views[pictured[name]].pose(picture, index)
        characters.append(_character(index, name, seen.triangles[index], views, pose, prompts.get(name, "")))
    # One picture of the whole cast in the scene is also the frame that Eq. 20 concatenates.
    whole_cast = len(unique) == 1 and set(names) <= set(references) - set(seen.ghosts)
    width, height = timeline.render_size(scene)
    return Shot(
        fps=timeline.fps(scene),
        width=width,
        height=height,
        frame_numbers=seen.numbers,
        intrinsics=np.array([view.intrinsics for view in views], np.float64),
        camera_to_world=np.stack([view.camera_to_world for view in views]),
        characters=tuple(characters),
        references=tuple(unique),
        frame_reference=0 if whole_cast else None,
        settings=settings,
        cuts=tuple(k for k in range(1, len(views)) if views[k].camera != views[k - 1].camera),
    )


def _saying(progress: tuple[int, int], steps: Generator[None, None, list[Surface]]):
    """The steps, with something to say at each of them."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value
        yield progress


def _character(
    index: int,
    name: str,
    triangles: np.ndarray,
    views: list[View],
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
