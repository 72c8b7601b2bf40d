"""A clip: a piece of video to learn from, rendered or real, in the units of a shot.

F frames, K characters, N surface points, R references, H W pixels. Pictures are float in [−1, 1].
"""

from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor


@dataclass(frozen=True)
class Clip:
    """A piece of video to learn from or to measure with: pictures, bodies and cameras.

    Attributes:
        video: ``(3, F, H, W)``.
        background: ``(3, F, H, W)``, the same set without the cast.
        shaded: the background with the cast's shadows; None where that is not known.
        mask: ``(F, H, W)`` int64: 0 the set, k the k-th character.
        points: ``(F, K, N, 3)`` surface points, world.
        normals: ``(F, K, N, 3)`` unit, world.
        intrinsics, camera_to_world: ``(F, 4)``, ``(F, 4, 4)``.
        references: ``(R, 3, H, W)``, pictures of the cast in other poses, from other views, in other sets:
            one that shows everybody, or one of each.
        reference_of: ``(K,)`` int64, the picture that shows each character.
        reference_points: ``(K, N, 3)`` as posed there.
        reference_intrinsics, reference_camera_to_world: ``(R, 4)``, ``(R, 4, 4)``.
        fps: frames a second.
        camera_known: false where the camera's movement is unknown and the world is the camera's: nothing is
            to be learned from it about cameras.
        triangles: ``(M, 3)`` int32, which join a character's points; None where there are fewer points than
            they join (``geometry.surface``).
    """

    video: Tensor
    background: Tensor
    mask: Tensor
    points: Tensor
    normals: Tensor
    intrinsics: Tensor
    camera_to_world: Tensor
    references: Tensor
    reference_of: Tensor
    reference_points: Tensor
    reference_intrinsics: Tensor
    reference_camera_to_world: Tensor
    fps: float
    camera_known: bool = True
    shaded: Tensor | None = None
    triangles: np.ndarray | None = None

    def first_points(self, count: int) -> "Clip":
        """The same clip with fewer points a character, which nothing joins."""
        if count >= self.points.shape[2]:
            return self
        return replace(
            self,
            points=self.points[:, :, :count],
            normals=self.normals[:, :, :count],
            reference_points=self.reference_points[:, :count],
            triangles=None,
        )
