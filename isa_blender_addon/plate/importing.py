"""A take's plate into its scene, lined up with its camera, in place of the one before.

A take that is switched to goes where the one before was: only the media change, not the nodes that show them.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Protocol

import numpy as np

from isa_engine.results.files import MATTE, PLATE

from ..scene.hiding import put_back, take_out
from . import background_image, camera_plane, people, strip
from .cameras import camera_segments, keep_cuts
from .movie import read_movie

# How a plate can be shown; a scene's choice is any of them.
KINDS = ("PLANE", "BACKGROUND", "STRIP", "COMPOSITOR")


class Framed(Protocol):
    """A shot or a take: what says on which scene frames, ``(F,)`` int, a plate is, and which of these begin
    a piece after a cut (``Shot.cuts``; None: nobody knows)."""

    @property
    def frame_numbers(self) -> np.ndarray: ...

    @property
    def cuts(self) -> tuple[int, ...] | None: ...


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
    video, matte = Path(folder) / PLATE, Path(folder) / MATTE
    numbers = shot.frame_numbers
    # All that can go wrong, before anything is changed.
    camera_segments(scene, numbers)
    open_movies(folder)
    if "COMPOSITOR" in kinds:
        people.check_people(scene, matte)
    if "BACKGROUND" in kinds and not background_image.takes_backgrounds(scene, numbers):
        kinds = {*kinds, "PLANE"}

    if "BACKGROUND" in kinds:
        background_image.import_background(scene, video, numbers)
    else:
        background_image.remove_backgrounds(scene)
    if "PLANE" in kinds:
        # It would hide the render that the people are laid over.
        rendered = "COMPOSITOR" not in kinds
        camera_plane.import_plane(scene, video, numbers, matte=matte, rendered=rendered)
    else:
        camera_plane.remove_planes(scene)
    if "STRIP" in kinds:
        strip.import_strip(scene, video, numbers)
    else:
        strip.remove_strip(scene)
    if "COMPOSITOR" in kinds:
        people.import_people(scene, video, matte, numbers)
        take_out(scene)
    else:
        people.remove_people(scene)
        put_back(scene)
    keep_cuts(scene, numbers, shot.cuts if kinds else None)


def open_movies(folder: str | Path) -> None:
    """What takes longest of ``import_plate``, for it to find done. Only a strip and the compositor open a
    movie once more: they read it themselves.

    Raises:
        SceneError: a movie cannot be read.
    """
    read_movie(Path(folder) / PLATE)
    matte = Path(folder) / MATTE
    if matte.is_file():
        read_movie(matte)
