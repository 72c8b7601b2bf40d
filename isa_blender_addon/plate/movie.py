"""The movie's image data-block, and which of its frames a scene frame shows."""

from pathlib import Path

import bpy

from isa_engine.errors import SceneError

# On everything that belongs to a plate: the plate's name.
PLATE = "isa_plate"


def load_movie(video: str | Path, name: str):
    """A new image data-block for a movie file, tagged with the plate's name.

    The path is relative to the .blend where there is one, so that the two can be moved together.

    Raises:
        SceneError: the file is missing or is not a movie.
    """
    video = Path(video).resolve()
    if not video.is_file():
        raise SceneError("the movie is missing", where=str(video), remedy="Generate it again.")
    image = bpy.data.images.load(str(video))
    if image.source != "MOVIE" or not all(image.size):  # type: ignore[arg-type]
        bpy.data.images.remove(image)
        raise SceneError("Blender cannot read the movie", where=str(video), remedy="Generate it again.")
    image.name, image[PLATE] = f"ISA {video.stem}", name
    image.alpha_mode = "NONE"
    image.filepath = blend_relative(video)
    return image


def hand_over(found, image) -> None:
    """Let an image show a newly loaded movie, which goes: whoever shows the image follows."""
    image.filepath = found.filepath
    bpy.data.images.remove(found)


def discard(image) -> None:
    """Remove a plate's image unless something else shows it too."""
    if image is not None and PLATE in image and not image.users:
        bpy.data.images.remove(image)


def show_from(image_user, image, first_frame: int) -> None:
    """Let the movie begin at a scene frame: one movie frame a scene frame, the last one held.

    Args:
        image_user: or a compositor's image node, which is its own.
    """
    image_user.frame_start = first_frame
    image_user.frame_duration = max(image.frame_duration, 1)
    image_user.frame_offset = 0
    image_user.use_cyclic = False
    image_user.use_auto_refresh = True


def blend_relative(path: Path) -> str:
    """The path from the .blend's folder, where there is a .blend and it is on the same drive."""
    if not bpy.data.filepath:
        return str(path)
    try:
        return bpy.path.relpath(str(path))
    except ValueError:
        return str(path)
