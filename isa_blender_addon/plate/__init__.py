"""Video → the scene, lined up with its camera."""

from pathlib import Path
from typing import Literal

from isa_engine.shot import Shot, read_shot

from .background_image import import_background, remove_backgrounds
from .camera_plane import import_plane, remove_planes

NAME = "ISA Plate"

Kind = Literal["PLANE", "BACKGROUND", "BOTH"]


def import_plate(scene, folder: str | Path, shot: Shot, kind: Kind) -> None:
    """Put a job's plate on the scene's cameras in place of the one before.

    Args:
        folder: holds ``plate.mp4``, and ``matte.mp4`` if there is one.
        shot: of which the plate was made.
        kind: a plane, the cameras' background image, or both.

    Raises:
        SceneError: the movie cannot be read, or a camera cannot show it; the scene is as it was.
    """
    video = Path(folder) / "plate.mp4"
    if kind != "PLANE":
        import_background(scene, video, shot.frame_numbers, NAME)
    else:
        remove_backgrounds(scene, NAME)
    if kind != "BACKGROUND":
        import_plane(scene, video, shot.frame_numbers, NAME, matte=Path(folder) / "matte.mp4")
    else:
        remove_planes(scene, NAME)


def import_results(scene, folder: str | Path, kind: Kind) -> None:
    """``import_plate`` of a results folder, which holds the ``shot.npz`` too.

    Raises:
        ShotError: the folder holds no whole shot.
        SceneError: as ``import_plate``.
    """
    import_plate(scene, folder, read_shot(Path(folder) / "shot.npz"), kind)
