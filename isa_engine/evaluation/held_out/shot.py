"""A held-out clip as the shot that a scene with the same people and camera would give."""

from fractions import Fraction
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image
from torch import Tensor

from isa_engine.evaluation.held_out.clips import HeldOutClip
from isa_engine.geometry.camera import modelview_projection
from isa_engine.pipeline.pictures import to_frames
from isa_engine.results.video import write_video
from isa_engine.shot import Character, ReferencePose, Settings, Shot, validate


def shot_of(held_out: HeldOutClip, settings: Settings) -> Shot:
    """
    Args:
        settings: how to generate; the canvas is the clip's own size.

    Raises:
        ShotError: the clip is no whole shot, such as one of an odd size.
    """
    clip = held_out.clip
    frames, height, width = clip.mask.shape
    return validate(
        Shot(
            fps=Fraction(clip.fps).limit_denominator(1001),
            width=width,
            height=height,
            frame_numbers=np.arange(1, frames + 1, dtype=np.int32),
            intrinsics=_doubles(clip.intrinsics),
            camera_to_world=_doubles(clip.camera_to_world),
            characters=tuple(_character(held_out, k) for k in range(clip.points.shape[1])),
            references=tuple(_png(picture) for picture in clip.references),
            settings=settings,
            background=_movie(clip.background, clip.fps),
        )
    )


def _character(held_out: HeldOutClip, number: int) -> Character:
    clip, picture = held_out.clip, int(held_out.clip.reference_of[number])
    camera = clip.reference_intrinsics[picture], clip.reference_camera_to_world[picture]
    mvp = modelview_projection(*map(_doubles, camera))
    pose = ReferencePose(picture, clip.reference_points[number].cpu().numpy(), mvp)
    points = clip.points[:, number].cpu().numpy()
    bones = held_out.skeletons[:, number]
    return Character(f"person {number + 1}", points, clip.triangles, pose, skeleton=bones)


def _png(picture: Tensor) -> bytes:
    file = BytesIO()
    Image.fromarray(to_frames(picture[None, :, None])[0]).save(file, "PNG")
    return file.getvalue()


def _movie(video: Tensor, fps: float) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "background.mp4"
        write_video(path, iter(to_frames(video[None])), Fraction(fps).limit_denominator(1001), 1, {})
        return path.read_bytes()


def _doubles(tensor: Tensor) -> np.ndarray:
    return tensor.double().cpu().numpy()
