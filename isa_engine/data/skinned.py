"""Dense surface samples of a body, shaped and posed on any device.

B poses are frames of one character; S samples. Rest space is SMPL-X's (Y up, facing +Z); posed samples are
in the world's axes (Z up): ``(x, −z, y)``.
"""

import numpy as np
import torch
from torch import Tensor

from isa_engine.body import BodyModel

# SMPL-X's axes to the world's: (x, y, z) → (x, −z, y).
TO_WORLD = torch.tensor([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])


def axis_angle_matrix(rotation: Tensor) -> Tensor:
    """Rodrigues' formula: ``(..., 3)`` radians to ``(..., 3, 3)``."""
    angle = rotation.norm(dim=-1, keepdim=True).clamp_min(1e-8)
    x, y, z = (rotation / angle).unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))
    sine, cosine = angle.sin()[..., None], angle.cos()[..., None]
    return torch.eye(3, device=rotation.device) + sine * cross + (1 - cosine) * (cross @ cross)


class SkinnedSurface:
    """A body's samples with everything that shape and pose do to them, blended once from its vertices.

    Args:
        corners, barycentric: where the samples are, as in ``geometry.surface.SurfaceTable``.
    """

    def __init__(
        self,
        body: BodyModel,
        corners: np.ndarray,
        barycentric: np.ndarray,
        device: torch.device | str = "cpu",
    ):
        def at_samples(per_vertex: np.ndarray) -> Tensor:
            blended = np.einsum("sc,sc...->s...", barycentric, per_vertex[corners])
            return torch.as_tensor(blended, dtype=torch.float32, device=device)

        def tensor(array: np.ndarray) -> Tensor:
            return torch.as_tensor(np.asarray(array), dtype=torch.float32, device=device)

        triangles = body.v_template[body.faces]
        face_normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
        normals = np.zeros_like(body.v_template, dtype=np.float64)
        for corner in range(3):
            np.add.at(normals, body.faces[:, corner], face_normals)
        normals /= np.linalg.norm(normals, axis=1, keepdims=True).clip(1e-12)

        self.template = at_samples(body.v_template)
        self.normals = torch.nn.functional.normalize(at_samples(normals), dim=-1)
        self.shape_directions = at_samples(body.shapedirs)
        self.weights = at_samples(body.weights)
        self.joints = tensor(body.joint_regressor @ body.v_template)
        self.joint_directions = tensor(np.einsum("jv,vks->jks", body.joint_regressor, body.shapedirs))
        self.parents = [int(parent) for parent in body.parents]

    def pose(
        self, betas: Tensor, rotations: Tensor, translation: Tensor, thickness: Tensor | float = 0.0
    ) -> tuple[Tensor, Tensor]:
        """Linear blend skinning.

        Args:
            betas: ``(S_betas,)`` shape coefficients.
            rotations: ``(B, 55, 3)`` axis-angle, local.
            translation: ``(B, 3)`` metres, SMPL-X axes.
            thickness: ``(S,)`` metres of cloth or hair on the skin.

        Returns:
            Points and unit normals, both ``(B, S, 3)``, world axes.
        """
        count = len(betas)
        rest = self.template + self.shape_directions[..., :count] @ betas
        if isinstance(thickness, Tensor):
            rest = rest + self.normals * thickness[:, None]
        joints = self.joints + self.joint_directions[..., :count] @ betas

        local = axis_angle_matrix(rotations)
        world_rotation: list[Tensor] = []
        world_place: list[Tensor] = []
        for joint, parent in enumerate(self.parents):
            if parent < 0:
                world_rotation.append(local[:, joint])
                world_place.append(joints[joint].expand(len(local), 3))
            else:
                offset = joints[joint] - joints[parent]
                world_rotation.append(world_rotation[parent] @ local[:, joint])
                world_place.append(world_place[parent] + world_rotation[parent] @ offset)
        rotation = torch.stack(world_rotation, 1)
        shift = torch.stack(world_place, 1) - (rotation @ joints[..., None])[..., 0]

        to_world = TO_WORLD.to(rest.device)
        transform = torch.cat(
            [to_world @ rotation, (to_world @ (shift + translation[:, None])[..., None])], -1
        )
        blended = torch.einsum("sj,bjkl->bskl", self.weights, transform)
        points = (blended[..., :3] @ rest[:, :, None])[..., 0] + blended[..., 3]
        normals = (blended[..., :3] @ self.normals[:, :, None])[..., 0]
        return points, torch.nn.functional.normalize(normals, dim=-1)
