"""What a background is made of, as whoever wants it tells who makes it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import bpy


@dataclass(frozen=True)
class Recipe:
    """What a background is made of, and how.

    Attributes:
        out: the movie, in a folder for nothing else.
        size: of the plate, which covers the frame exactly.
        frame_shape: what the pictures are to cover, in square units of theirs: the camera's frame by footage;
            the plate by what is rendered for it, pixel for pixel.
        numbers: of the frames: the scene's, or the footage's, the first being 0.
        files: the footage.
        blend: a copy of the scene's file, where it is rendered.
        scene: its name.
        hidden: ``(name, library_file)`` of objects that are not there.
        unseen: of those that are there, and that the camera does not see.
        pixel_aspect: at which the plate has the frame's shape.
        samples: of Cycles; 0: the scene's own engine as it is set.
        use_scripts: whether the artist lets this file's scripts run.
        needs_depth: whether it fails where the renderer does not tell how far away is what a frame shows.
            Of one that does it is kept ``depth_beside`` the movie in any case; of another that has no frames.
        metre: metres of a unit of the scene.
        plate_scale: how many of its pixels along each side stand for one of the canvas, of which is told how
            far away it is.
    """

    out: str
    size: tuple[int, int]
    frame_shape: tuple[float, float]
    numbers: Sequence[int]
    files: Sequence[str]
    blend: str = ""
    scene: str = ""
    hidden: Sequence[Sequence[str]] = ()
    unseen: Sequence[Sequence[str]] = ()
    pixel_aspect: tuple[float, float] = (1.0, 1.0)
    samples: int = 0
    use_scripts: bool = False
    needs_depth: bool = False
    metre: float = 1.0
    plate_scale: int = 1


def library_file(item) -> str:
    """The file that an object is linked from, "" for one of this file: by name alone, two may be alike. The
    scene's copy lies in another folder, and names the file from there."""
    if item.library is None:
        return ""
    return os.path.realpath(bpy.path.abspath(item.library.filepath, library=item.library.parent))


def depth_beside(movie: Path) -> Path:
    """The file that tells how far away is what a movie's frames show."""
    return movie.with_suffix(".npy")
