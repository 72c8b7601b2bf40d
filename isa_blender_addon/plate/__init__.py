"""Video → the scene, lined up with its camera.

A take that is switched to goes where the one before was: only the media change, not the nodes that show them.
"""

import os
from collections.abc import Collection
from pathlib import Path
from typing import Protocol

import bpy
import numpy as np

from isa_engine.errors import SceneError

from ..language.translation import said
from ..scene.hiding import left_in_sight, put_back, take_out
from . import background_image, camera_plane, people, strip
from .cameras import camera_segments
from .colour import rendered_space, shift_of_colours
from .focus import blurred, focus_distance
from .movie import read_movie
from .parting import follows


class Framed(Protocol):
    """A shot or a take: what says on which scene frames, ``(F,)`` int, a plate is."""

    @property
    def frame_numbers(self) -> np.ndarray: ...


NAME = "ISA Plate"
# How a plate can be shown; a scene's choice is any of them.
KINDS = ("PLANE", "BACKGROUND", "STRIP", "COMPOSITOR")
_VIDEO, _MATTE = "plate.mp4", "matte.mp4"


def import_plate(scene, folder: str | Path, shot: Framed, kinds: Collection[str]) -> None:
    """Put a take's plate into the scene in place of the one before.

    Through a camera that can hold no background image, for it is linked from another file or shoots another
    scene with a plate, it shows on the plane.

    Args:
        folder: holds ``plate.mp4``, and ``matte.mp4`` if there is one.
        shot: of which the plate was made, or its take.
        kinds: of ``KINDS``; what shows a plate in another way goes.

    Raises:
        SceneError: the movie cannot be read, or the scene cannot show it so; the scene is as it was.
    """
    video, matte = Path(folder) / _VIDEO, Path(folder) / _MATTE
    numbers = shot.frame_numbers
    # All that can go wrong, before anything is changed.
    camera_segments(scene, numbers)
    open_movies(folder)
    if "COMPOSITOR" in kinds:
        people.check_people(scene, matte)
    if "BACKGROUND" in kinds and not background_image.takes_backgrounds(scene, numbers, NAME):
        kinds = {*kinds, "PLANE"}

    if "BACKGROUND" in kinds:
        background_image.import_background(scene, video, numbers, NAME)
    else:
        background_image.remove_backgrounds(scene, NAME)
    if "PLANE" in kinds:
        # It would hide the render that the people are laid over.
        rendered = "COMPOSITOR" not in kinds
        camera_plane.import_plane(scene, video, numbers, NAME, matte=matte, rendered=rendered)
    else:
        camera_plane.remove_planes(scene, NAME)
    if "STRIP" in kinds:
        strip.import_strip(scene, video, numbers, NAME)
    else:
        strip.remove_strip(scene, NAME)
    if "COMPOSITOR" in kinds:
        people.import_people(scene, video, matte, numbers, NAME)
        take_out(scene)
    else:
        people.remove_people(scene, NAME)
        put_back(scene)


def open_movies(folder: str | Path) -> None:
    """What takes longest of ``import_plate``, for it to find done. Only a strip and the compositor open a
    movie once more: they read it themselves.

    Raises:
        SceneError: a movie cannot be read.
    """
    read_movie(Path(folder) / _VIDEO)
    matte = Path(folder) / _MATTE
    if matte.is_file():
        read_movie(matte)


def fits_view(scene) -> bool:
    """Whether what renders the plate reads it for the view transform that the scene has now."""
    plates = [*camera_plane.plates(scene, NAME), *people.plates(scene, NAME)]
    if (shown := strip.plate_strip(scene, NAME)) is not None:
        plates.append(shown)
    return all(media.colorspace_settings.name == rendered_space(scene) for media in plates)


def fit_view(scene) -> None:
    """Read the plate for the view transform that the scene has now."""
    camera_plane.fit_planes(scene, NAME)
    people.fit_people(scene, NAME)
    strip.fit_strip(scene, NAME)


def files(scene) -> set[Path]:
    """The movies that the scene's plate shows."""
    images = {
        *camera_plane.media(scene, NAME),
        *background_image.media(scene, NAME),
        *people.media(scene, NAME),
    }
    # What is linked has its paths as seen from its own file.
    paths = {bpy.path.abspath(image.filepath, library=image.library) for image in images}
    if (shown := strip.plate_strip(scene, NAME)) is not None:
        paths.add(bpy.path.abspath(shown.filepath, library=scene.library))
    # Save As may have put a ".." into them.
    return {Path(os.path.realpath(path)) for path in paths}


def size(scene) -> tuple[int, int] | None:
    """Width and height in pixels of the movie that the scene's plate shows; None where there is none, or its
    file is missing."""
    movie = next((path for path in files(scene) if path.name == _VIDEO), None)
    try:
        return None if movie is None else read_movie(movie).size
    except SceneError:
        return None


def troubles(scene) -> list[str]:
    """Sentences on why the plate does not look as it should; cheap enough for drawing."""
    shown = files(scene)
    if not shown:
        return []
    missing = "The plate's file is missing: {path}."
    found = [said(missing, path=path) for path in sorted(shown) if not path.is_file()]
    if scene.render.use_multiview:
        found.append(
            "The scene renders in stereo, and the plate is the one view of the camera between the eyes."
        )
    loose = "The camera of the plate is gone, and its plane '{plane}' is left behind: show a take again."
    planes = camera_plane.planes(scene, NAME)
    found += [said(loose, plane=plane.name) for plane in planes if plane.parent is None]
    linked = "Camera '{camera}' is linked from another file, and cannot hold the plate: its plane shows it."
    cameras = {plane.parent for plane in planes if plane.parent}
    found += [said(linked, camera=c.name) for c in cameras if not c.data.is_editable]
    twice = (
        "Camera '{camera}' shoots scene '{scene}' too, and a background image would show in both: the plane "
        "alone shows the plate."
    )
    own = {plane.parent for plane in planes if follows(plane, scene)} & cameras
    others = [(camera, background_image.other_shot(camera.data, scene, NAME)) for camera in own]
    found += [said(twice, camera=camera.name, scene=other.name) for camera, other in others if other]
    if not people.media(scene, NAME):
        # Else the plane is not rendered.
        unsharp = (
            "Depth of field of camera “{camera}” blurs the plate: turn it off, or set the plane's Distance "
            "to {distance:.2f}."
        )
        found += [
            said(unsharp, camera=plane.parent.name, distance=focus_distance(plane.parent))
            for plane in planes
            if blurred(scene, plane)
        ]
    rendered = planes or people.media(scene, NAME)
    sequenced = strip.plate_strip(scene, NAME) is not None
    if (rendered or sequenced) and (shift := shift_of_colours(scene)):
        found.append(shift)
    if sequenced and scene.view_settings.exposure:
        found.append("In the Sequencer, the scene's exposure brightens or darkens the plate once more.")
    if people.media(scene, NAME) and scene.render.use_border and scene.render.use_crop_to_border:
        found.append(
            "The render is cropped to its region, and the people are of the whole frame: render it whole."
        )
    if people.media(scene, NAME) and (names := ", ".join(left_in_sight(scene))):
        twofold = (
            "{names}: linked, so the render shows the rig beside its generated self. Make a library override."
        )
        found.append(said(twofold, names=names))
    if people.media(scene, NAME) and not scene.render.use_compositing:
        found.append("The people are not rendered: Compositing is off (Output ▸ Post Processing).")
    return found
