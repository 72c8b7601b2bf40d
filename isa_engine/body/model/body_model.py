"""A body of the SMPL family's layout, and its posing by linear blend skinning.

V vertices, J joints (55 of SMPL-X), S shape components, E expression components, P pose correctives
(9 (J − 1) or none).
Space: metres, Y up, facing +Z, the body's left along +X.
"""

from dataclasses import dataclass

import numpy as np

from isa_engine.body.model.rotation import matrices
from isa_engine.errors import BodyError

# Frames skinned at once, so that a long motion needs no more memory than these.
_BATCH = 32


@dataclass(frozen=True)
class BodyModel:
    """A body's file as arrays: all that its vertices are computed from.

    Attributes:
        v_template: ``(V, 3)`` float32, the mean body in T pose.
        faces: ``(F, 3)`` int32.
        shapedirs: ``(V, 3, S)`` float32, offsets of one unit of each beta.
        exprdirs: ``(V, 3, E)`` float32.
        posedirs: ``(V, 3, P)`` float32; P is 0 for a body without pose correctives.
        joint_regressor: ``(J, V)`` float32, rows sum to one.
        parents: ``(J,)`` int64, −1 for the root, which is the first; the others follow their parents.
        weights: ``(V, J)`` float32, rows sum to one.
        uv: ``(T, 2)`` float32, the lower left corner is (0, 0); empty where the file has none.
        uv_faces: ``(F, 3)`` int32 into ``uv``; empty likewise.
        hands_mean: ``(30, 3)`` float32, axis-angle of relaxed fingers, left hand first; no rows
            without fingers.
    """

    v_template: np.ndarray
    faces: np.ndarray
    shapedirs: np.ndarray
    exprdirs: np.ndarray
    posedirs: np.ndarray
    joint_regressor: np.ndarray
    parents: np.ndarray
    weights: np.ndarray
    uv: np.ndarray
    uv_faces: np.ndarray
    hands_mean: np.ndarray

    def shaped(self, betas=(), expression=()) -> np.ndarray:
        """The body in T pose, ``(..., V, 3)`` float32: template plus shape plus expression.

        Args:
            betas: ``(≤S,)``.
            expression: ``(..., ≤E)``.

        Raises:
            BodyError: more components than the body has.
        """
        rest = self.v_template
        for directions, kind, given in (
            (self.shapedirs, "shape", betas),
            (self.exprdirs, "expression", expression),
        ):
            given = np.asarray(given, np.float32)
            count = given.shape[-1]
            if count > directions.shape[-1]:
                problem = f"{count} {kind} components, but the body has {directions.shape[-1]}"
                raise BodyError(problem, remedy="Give fewer, or load the body that they belong to.")
            if count:
                rest = rest + np.moveaxis(
                    np.tensordot(directions[..., :count], given, (2, -1)), (0, 1), (-2, -1)
                )
        return rest

    def joints(self, betas=()) -> np.ndarray:
        """Rest joints ``(J, 3)`` float32 of the shaped body."""
        return self.joint_regressor @ self.shaped(betas)

    def pose(
        self, betas=(), expression=(), rotations=None, translation=None, vertices=slice(None)
    ) -> tuple[np.ndarray, np.ndarray]:
        """Shape, correct and skin: SMPL-X's forward pass.

        Args:
            betas: ``(≤S,)``.
            expression: ``(≤E,)`` or ``(..., ≤E)``.
            rotations: ``(..., J, 3)`` axis-angle of each joint relative to its parent; at rest by default.
                Fingers are relative to the flat hand.
            translation: ``(..., 3)`` metres, added after posing.
            vertices: an index of the V vertices, to pose only some.

        Returns:
            Vertices ``(..., V, 3)`` and joints ``(..., J, 3)``, float32.

        Raises:
            BodyError: more shape or expression components than the body has.
        """
        count = len(self.parents)
        rotations = np.zeros((count, 3)) if rotations is None else np.asarray(rotations, np.float64)
        translation = np.zeros(3) if translation is None else np.asarray(translation, np.float64)
        shaped = self.shaped(betas, expression)
        lead = np.broadcast_shapes(rotations.shape[:-2], translation.shape[:-1], shaped.shape[:-2])
        rest_joints = self.joint_regressor @ shaped

        local = np.broadcast_to(matrices(rotations), (*lead, count, 3, 3)).reshape(-1, count, 3, 3)
        offset = np.broadcast_to(translation, (*lead, 3)).reshape(-1, 3)
        rest_joints = np.broadcast_to(rest_joints, (*lead, count, 3)).reshape(-1, count, 3)
        rest = shaped[..., vertices, :]
        if shaped.ndim > 2:
            rest = np.broadcast_to(rest, (*lead, *rest.shape[-2:])).reshape(-1, *rest.shape[-2:])
        turned, placed = self._forward_kinematics(local, rest_joints, offset)

        posed = np.empty((len(local), *rest.shape[-2:]), np.float32)
        for start in range(0, len(local), _BATCH):
            batch = slice(start, start + _BATCH)
            at_rest = rest if rest.ndim == 2 else rest[batch]
            at_rest = self._corrected(at_rest, local[batch], vertices)
            # Each joint carries the vertices rigidly: x ↦ R·x + (placed − R·rest).
            shift = placed[batch] - np.einsum("fjab,fjb->fja", turned[batch], rest_joints[batch])
            posed[batch] = self._skin(at_rest, turned[batch], shift, vertices)
        return posed.reshape(*lead, *posed.shape[1:]), placed.reshape(*lead, count, 3).astype(np.float32)

    def _forward_kinematics(self, local, rest_joints, offset):
        """Global rotations ``(F, J, 3, 3)`` and places ``(F, J, 3)`` of the joints."""
        turned, placed = np.empty_like(local), np.empty(rest_joints.shape)
        turned[:, 0], placed[:, 0] = local[:, 0], rest_joints[:, 0] + offset
        for j, parent in enumerate(self.parents[1:], start=1):
            bone = rest_joints[:, j] - rest_joints[:, parent]
            turned[:, j] = turned[:, parent] @ local[:, j]
            placed[:, j] = placed[:, parent] + np.einsum("fab,fb->fa", turned[:, parent], bone)
        return turned, placed

    def _corrected(self, rest, local, vertices):
        """Add the pose correctives: linear in the entries of the local rotations minus identity."""
        feature = (local[:, 1:] - np.eye(3)).reshape(len(local), -1).astype(np.float32)
        if not self.posedirs.shape[-1] or not feature.any():
            return rest
        return rest + np.moveaxis(np.tensordot(self.posedirs[vertices], feature, (2, 1)), -1, 0)

    def _skin(self, rest, turned, shift, vertices):
        """Blend the joints' transforms and apply them to ``(V, 3)`` or ``(F, V, 3)``, column by column."""
        weights = self.weights[vertices]

        def blended(column):  # (F, J, 3) → (F, V, 3)
            return weights @ column.astype(np.float32)

        posed = blended(shift)
        for axis in range(3):
            posed += blended(turned[..., axis]) * rest[..., axis, None]
        return posed
