"""The movies that a scene's plate shows, and the colour space in which they are read."""

import os
from pathlib import Path

import bpy

from isa_engine.errors import SceneError
from isa_engine.results.files import PLATE

from . import background_image, camera_plane, people, strip
from .colour import rendered_space
from .movie import read_movie


def fits_view(scene) -> bool:
    """Whether what renders the plate reads it for the view transform that the scene has now."""
    plates = [*camera_plane.plates(scene), *people.plates(scene)]
    if (shown := strip.plate_strip(scene)) is not None:
        plates.append(shown)
    return all(media.colorspace_settings.name == rendered_space(scene) for media in plates)


def fit_view(scene) -> None:
    """Read the plate for the view transform that the scene has now."""
    camera_plane.fit_planes(scene)
    people.fit_people(scene)
    strip.fit_strip(scene)


def files(scene) -> set[Path]:
    """The movies that the scene's plate shows."""
    images = {
        *camera_plane.media(scene),
        *background_image.media(scene),
        *people.media(scene),
    }
    # What is linked has its paths as seen from its own file.
    paths = {bpy.path.abspath(image.filepath, library=image.library) for image in images}
    if (shown := strip.plate_strip(scene)) is not None:
        paths.add(bpy.path.abspath(shown.filepath, library=scene.library))
    # Save As may have put a ".." into them.
    return {Path(os.path.realpath(path)) for path in paths}


def size(scene) -> tuple[int, int] | None:
    """Width and height in pixels of the movie that the scene's plate shows; None where there is none, or its
    file is missing."""
    movie = next((path for path in files(scene) if path.name == PLATE), None)
    try:
        return None if movie is None else read_movie(movie).size
    except SceneError:
        return None
