"""Video → the scene, lined up with its camera."""

from pathlib import Path
from typing import Literal

from isa_engine.shot import read_shot

from .background_image import import_background, remove_backgrounds
from .camera_plane import depth_behind_cast, import_plane, remove_planes

NAME = "ISA Plate"

Kind = Literal["PLANE", "BACKGROUND", "BOTH"]


def import_results(scene, folder: str | Path, kind: Kind = "PLANE") -> None:
    """Put a job's plate on the scene's cameras in place of the one before.

    Args:
        folder: holds ``plate.mp4`` and ``shot.npz``, and ``matte.mp4`` if there is one.
        kind: a plane, the cameras' background image, or both.

    Raises:
        ShotError: the folder holds no whole shot.
        SceneError: the movie cannot be read, or a camera cannot show it; the scene is as it was.
    """
    folder = Path(folder)
    shot = read_shot(folder / "shot.npz")
    video = folder / "plate.mp4"
    if kind != "PLANE":
        import_background(scene, video, shot.frame_numbers, NAME)
    if kind != "BACKGROUND":
        import_plane(scene, video, shot.frame_numbers, NAME, depth_behind_cast(shot), folder / "matte.mp4")
    if kind == "PLANE":
        remove_backgrounds(scene, NAME)
    if kind == "BACKGROUND":
        remove_planes(scene, NAME)
