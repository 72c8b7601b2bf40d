"""The movie's image data-block, and which of its frames a scene frame shows."""

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import bpy

from isa_engine.errors import SceneError

from .colour import DISPLAYED

# On everything that belongs to a scene's plate, with the plate's name.
PLATE_PROPERTY, NAME = "isa_plate", "ISA Plate"


@dataclass(frozen=True)
class Movie:
    """What a movie file holds.

    Attributes:
        size: width and height, pixels.
        frames: how many.
    """

    size: tuple[int, int]
    frames: int


def read_movie(video: str | Path) -> Movie:
    """What a movie file holds; opened once, and again when it changes, for that takes Blender a while.

    Raises:
        SceneError: the file is missing or is not a movie.
    """
    video = Path(video).resolve()
    try:
        changed = video.stat().st_mtime_ns
    except OSError:
        raise SceneError("the movie is missing", where=str(video), remedy="Generate it again.") from None
    return _read_movie(video, changed)


@lru_cache(maxsize=64)
def _read_movie(video: Path, _changed: int) -> Movie:
    image: Any = bpy.data.images.load(str(video))
    try:
        width, height = image.size
        if image.source != "MOVIE" or not width or not height:
            raise SceneError("Blender cannot read the movie", where=str(video), remedy="Generate it again.")
        return Movie((width, height), max(image.frame_duration, 1))
    finally:
        bpy.data.images.remove(image)


def load_movie(video: str | Path):
    """A new image data-block for a movie file, tagged as the plate's.

    The path is relative to the .blend where there is one, so that the two can be moved together.

    Raises:
        SceneError: the file is missing or is not a movie.
    """
    video = Path(video).resolve()
    read_movie(video)
    image: Any = bpy.data.images.load(str(video))
    image.name, image[PLATE_PROPERTY] = f"ISA {video.stem}", NAME
    image.alpha_mode = "NONE"
    # Until it has opened the file, Blender does not know its colour space.
    image.colorspace_settings.name = DISPLAYED
    image.filepath = blend_relative(video)
    return image


def hand_over(found, image) -> None:
    """Let an image show a newly loaded movie, which goes: whoever shows the image follows."""
    image.filepath = found.filepath
    bpy.data.images.remove(found)


def discard(image) -> None:
    """Remove a plate's image unless something else shows it too."""
    if image is not None and PLATE_PROPERTY in image and not image.users:
        bpy.data.images.remove(image)


def show_from(image_user, image, first_frame: int) -> None:
    """Let the movie begin at a scene frame: one movie frame a scene frame, the last one held.

    Args:
        image_user: or a compositor's image node, which is its own.
    """
    image_user.frame_start = first_frame
    image_user.frame_duration = read_movie(bpy.path.abspath(image.filepath)).frames
    image_user.frame_offset = 0
    image_user.use_cyclic = False
    image_user.use_auto_refresh = True


def blend_relative(path: Path) -> str:
    """The path from the .blend's folder, where there is a .blend and it is on the same drive."""
    if not bpy.data.filepath:
        return str(path)
    try:
        # Both without links, lest the way from one to the other lead around by the root.
        return bpy.path.relpath(os.path.realpath(path), start=os.path.realpath(bpy.path.abspath("//")))
    except ValueError:
        return str(path)
