"""A clip's cast reprojected before its background (``pipeline.isa.reprojection``)."""

import numpy as np
import torch
from torch import Tensor

from isa_engine.data.clips.clip import Clip
from isa_engine.geometry.camera import modelview_projection
from isa_engine.pipeline.isa.reprojection import reprojected
from isa_engine.pipeline.isa.texture import Texture, texture_of


def reprojected_clip(clip: Clip) -> Tensor:
    """``(3, F, H, W)`` in [−1, 1], on the CPU.

    Args:
        clip: with ``triangles``.
    """
    textures, points = _textures(clip), clip.points.cpu().numpy()
    cameras = clip.intrinsics.double(), clip.camera_to_world.double()
    mvps = modelview_projection(*cameras).cpu().numpy()
    frames = [
        reprojected(background, [(body, clip.triangles) for body in cast], textures, mvp)
        for background, cast, mvp in zip(_levels(clip.background.movedim(0, 1)), points, mvps, strict=True)
    ]
    return torch.from_numpy(np.stack(frames)).movedim(-1, 0).float() / 127.5 - 1


def _textures(clip: Clip) -> list[Texture]:
    pictures = _levels(clip.references)
    cameras = clip.reference_intrinsics.double(), clip.reference_camera_to_world.double()
    mvps = modelview_projection(*cameras).cpu().numpy()
    shown, points = clip.reference_of.tolist(), clip.reference_points.cpu().numpy()

    def texture(number: int) -> Texture:
        beside = [
            (points[other], clip.triangles)
            for other, picture in enumerate(shown)
            if picture == shown[number] and other != number
        ]
        picture = shown[number]
        return texture_of(pictures[picture], points[number], clip.triangles, mvps[picture], beside)

    return [texture(number) for number in range(len(shown))]


def _levels(pictures: Tensor) -> np.ndarray:
    """``(n, 3, H, W)`` in [−1, 1] to ``(n, H, W, 3)`` uint8."""
    return ((pictures.clamp(-1, 1) + 1) * 127.5).round().byte().movedim(1, -1).cpu().numpy()
