"""Dense surface samples of a body, shaped and posed on any device.

B poses are frames of one character; S samples. Rest space is SMPL-X's (Y up, facing +Z); posed samples are
in the world's axes (Z up): ``(x, −z, y)``.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from isa_engine.body import BodyModel
from isa_engine.body.model.axes import TO_WORLD
from isa_engine.geometry.surface import area_vectors, vertex_normals


def axis_angle_matrix(rotation: Tensor) -> Tensor:
    """Rodrigues' formula: ``(..., 3)`` radians to ``(..., 3, 3)``."""
    angle = rotation.norm(dim=-1, keepdim=True).clamp_min(1e-8)
    x, y, z = (rotation / angle).unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))
    sine, cosine = angle.sin()[..., None], angle.cos()[..., None]
    return torch.eye(3, device=rotation.device) + sine * cross + (1 - cosine) * (cross @ cross)


def even_surface_points(vertices: np.ndarray, faces: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """As ``geometry.surface.random_surface_points``, but evenly spread, as is every prefix: Halton's sequence
    over the faces in their order, where neighbours in the mesh are mostly neighbours too."""
    area = np.linalg.norm(area_vectors(vertices, faces), axis=1)
    place, u, v = (_radical_inverse(count, base) for base in (2, 3, 5))
    face = np.minimum(np.searchsorted(np.cumsum(area) / area.sum(), place), len(faces) - 1)
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    return faces[face], np.stack([1 - u - v, u, v], 1)


def _radical_inverse(count: int, base: int) -> np.ndarray:
    """The first numbers of van der Corput's sequence: digits mirrored at the point."""
    number, value, digit = np.arange(count), np.zeros(count), 1 / base
    while number.any():
        number, remainder = np.divmod(number, base)
        value += remainder * digit
        digit /= base
    return value


# Parts of a patch: skin that may be clothed, head, hands, and what there is of a wardrobe.
PARTS = ("body", "head", "hands", "skirt", "hair", "teeth")


@dataclass(frozen=True)
class Patch:
    """Some samples of a surface at rest: what clothes and features are cut by.

    Attributes:
        place, normals: ``(S, 3)``.
        limb: ``(S,)`` the joint that carries most of each.
        part: ``(S,)`` of ``PARTS``; a bare body is of one part.
    """

    place: Tensor
    normals: Tensor
    limb: Tensor
    part: Tensor

    def __len__(self) -> int:
        return len(self.limb)

    def __getitem__(self, chosen: slice | Tensor) -> "Patch":
        return Patch(self.place[chosen], self.normals[chosen], self.limb[chosen], self.part[chosen])


class SkinnedSurface:
    """A body's samples with everything that shape, face and pose do to them, blended once from its vertices.

    Attributes:
        template, normals: ``(S, 3)`` samples at rest.
        limb: ``(S,)`` the joint that carries most of each.
        patch: all of them as what clothes are cut by.

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

        normals = vertex_normals(body.v_template, body.faces)
        self.template = at_samples(body.v_template)
        self.normals = torch.nn.functional.normalize(at_samples(normals), dim=-1)
        self.shape_directions = at_samples(body.shapedirs)
        self.weights = at_samples(body.weights)
        self.joints = tensor(body.joint_regressor @ body.v_template)
        self.joint_directions = tensor(np.einsum("jv,vks->jks", body.joint_regressor, body.shapedirs))
        self.limb = self.weights.argmax(1)
        self.patch = Patch(self.template, self.normals, self.limb, torch.zeros_like(self.limb))
        # Few samples are moved by a face: only they are blended with its components.
        moves = np.abs(body.exprdirs).max((1, 2), initial=0) > 1e-4
        place = np.flatnonzero(moves[corners].any(1))
        self.expression_directions = tensor(
            np.einsum("sc,sck->sk", barycentric[place], body.exprdirs.reshape(len(moves), -1)[corners[place]])
        ).unflatten(1, body.exprdirs.shape[1:])
        self._in_face = torch.full((len(corners),), -1, device=device)
        self._in_face[torch.as_tensor(place, device=device)] = torch.arange(len(place), device=device)
        # Joints at each depth of the skeleton, with their parents: a depth is posed at once.
        self.root, depth = int(np.flatnonzero(body.parents < 0)[0]), np.zeros(len(body.parents), int)
        for joint in np.flatnonzero(body.parents >= 0):
            depth[joint] = depth[body.parents[joint]] + 1
        self.generations = [
            tuple(
                torch.as_tensor(index, device=device)
                for index in (np.flatnonzero(depth == d), body.parents[depth == d])
            )
            for d in range(1, depth.max() + 1)
        ]

    def pose(
        self,
        betas: Tensor,
        rotations: Tensor,
        translation: Tensor,
        thickness: Tensor | float = 0.0,
        samples: int | Tensor | None = None,
        expression: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Linear blend skinning.

        Args:
            betas: ``(S_betas,)`` shape coefficients.
            rotations: ``(B, J, 3)`` axis-angle, local, of the body's joints.
            translation: ``(B, 3)`` metres, SMPL-X axes.
            thickness: ``(S,)`` metres of cloth or hair on the skin.
            samples: pose the first S, or these S; all if None.
            expression: ``(B, ≤E)`` coefficients; a face at rest if None. Normals stay the resting face's.

        Returns:
            Points and unit normals, both ``(B, S, 3)``, world axes.
        """
        count, batch = len(betas), len(rotations)
        chosen = samples if isinstance(samples, Tensor) else slice(samples)
        normals = self.normals[chosen]
        rest = self.template[chosen] + self.shape_directions[chosen, :, :count] @ betas
        if isinstance(thickness, Tensor):
            rest = rest + normals * thickness[:, None]
        joints = self.joints + self.joint_directions[..., :count] @ betas
        rotation, place = self.placed_joints(joints, rotations)
        shift = place - (rotation @ joints[..., None])[..., 0] + translation[:, None]

        # Entries of the joints' transforms, blended by one product into planes of S samples, along which
        # everything after it runs: (4·3·B, J) @ (J, S).
        transform = torch.as_tensor(TO_WORLD).to(rest) @ torch.cat([rotation, shift[..., None]], -1)
        entries = transform.permute(3, 2, 0, 1).reshape(-1, len(joints))
        axes = (entries @ self.weights[chosen].T).view(4, 3, batch, -1)
        points, turned = axes[3], 0.0
        for axis in range(3):
            points = torch.addcmul(points, axes[axis], rest[:, axis])
            turned = axes[axis] * normals[:, axis] + turned
        if expression is not None:
            in_face = self._in_face[chosen]
            moved = (in_face >= 0).nonzero()[:, 0]
            directions = self.expression_directions[in_face[moved], :, : expression.shape[1]]
            offset = torch.einsum("ske,be->kbs", directions, expression)
            points[..., moved] += sum(axes[axis][..., moved] * offset[axis] for axis in range(3))
        turned = turned / turned.square().sum(0).sqrt().clamp_min(1e-12)
        return points.permute(1, 2, 0), turned.permute(1, 2, 0)

    def placed_joints(self, joints: Tensor, rotations: Tensor) -> tuple[Tensor, Tensor]:
        """Forward kinematics of resting joints ``(J, 3)`` by local rotations ``(B, J, 3)``: global rotations
        ``(B, J, 3, 3)`` and places ``(B, J, 3)``, SMPL-X axes, the root where it rests."""
        local = axis_angle_matrix(rotations)
        rotation, place = torch.empty_like(local), torch.empty_like(rotations)
        rotation[:, self.root], place[:, self.root] = local[:, self.root], joints[self.root]
        for children, parents in self.generations:
            carried = rotation[:, parents]
            rotation[:, children] = carried @ local[:, children]
            bone = (joints[children] - joints[parents])[..., None]
            place[:, children] = place[:, parents] + (carried @ bone)[..., 0]
        return rotation, place
