"""Casts and cameras in canonical frames, as the transformer reads them.

B clips, F frames (whole windows), K characters, N points each, P = K·N.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from isa_engine.geometry.camera import modelview_projection
from isa_engine.geometry.canonical import world_to_canonical
from isa_engine.geometry.ndc import project
from isa_engine.geometry.plucker import pack, plucker_rays

# Frames whose points and rays are in memory in double precision.
_STAGED_AT_ONCE = 256


@dataclass(frozen=True)
class Staging:
    """The casts and the cameras in their canonical frames.

    Attributes:
        points, ndc: ``(B, F, P, 3)``, zero where nobody is.
        visible: ``(B, F, P)`` bool.
        owners: ``(B, K, P)`` bool, which points are which character's.
        cameras: ``(B, t, 24, rows, columns)``.
    """

    points: Tensor
    ndc: Tensor
    visible: Tensor
    owners: Tensor
    cameras: Tensor


def stage(
    points: np.ndarray,
    intrinsics: np.ndarray,
    camera_to_world: np.ndarray,
    rows: int,
    columns: int,
    characters: np.ndarray | None = None,
) -> Staging:
    """Points and cameras as the transformer reads them.

    Args:
        points: ``(B, F, K, N, 3)`` world.
        intrinsics, camera_to_world: ``(B, F, 4)``, ``(B, F, 4, 4)``.
        rows, columns: of video tokens.
        characters: ``(B,)`` int, how many of the K are there, the first ones; all if None.
    """
    canonical = world_to_canonical(points[:, 0], camera_to_world[:, 0], characters)[:, None]
    there = np.ones(points.shape[2], bool)
    owners = torch.eye(points.shape[2], dtype=torch.bool).repeat_interleave(points.shape[3], 1)
    if characters is not None:
        there = np.arange(points.shape[2]) < np.asarray(characters)[:, None]
    there = np.broadcast_to(there[..., None], (len(points), *points.shape[2:4])).reshape(len(points), 1, -1)

    def placed(frames: slice) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        # Double precision: the set may stand far from the world's origin.
        world = np.asarray(points[:, frames], np.float64)
        own = world.reshape(*world.shape[:2], -1, 3) @ canonical[..., :3, :3].swapaxes(-1, -2)
        own += canonical[..., None, :3, 3]
        cameras = canonical @ camera_to_world[:, frames]
        ndc, in_front = project(own, modelview_projection(intrinsics[:, frames], cameras))
        told = torch.tensor(intrinsics[:, frames]).double(), torch.tensor(cameras)
        return (
            torch.tensor(own * there[..., None], dtype=torch.float32),
            torch.tensor(ndc * there[..., None], dtype=torch.float32).mT,
            torch.tensor(in_front & there),
            plucker_rays(*told, rows, columns).float(),
        )

    starts = range(0, points.shape[1], _STAGED_AT_ONCE)
    parts = [placed(slice(start, start + _STAGED_AT_ONCE)) for start in starts]
    own, ndc, visible, rays = (torch.cat(each, 1) for each in zip(*parts, strict=True))
    # Axis by axis in memory, as they are projected: in another order sums over them would end in other bits.
    return Staging(own, ndc.mT, visible, owners & torch.tensor(there), pack(rays))
