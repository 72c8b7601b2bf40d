"""How the bones of a rig lie at rest, against SMPL-X's joints, and in which unit."""

import numpy as np

from isa_engine.body import open_body
from isa_engine.body.model.rotation import nearest_rotation

# An SMPL-X pelvis-to-head distance is about 0.6 m; in a rig of centimetres it is about 60.
_CENTIMETRES_BEYOND = 10.0


def metres_a_unit(height: float) -> float:
    """0.01 for a rig in centimetres, else 1; ``height``: from its pelvis to its head, in its own units."""
    return 0.01 if height > _CENTIMETRES_BEYOND else 1.0


class RestAxes:
    """How a rig's bones lie at rest, against SMPL-X's, whose joints all have the axes of the body.

    With S from SMPL-X's axes to the armature's and B from a bone's to the armature's, a joint's rotation R is
    ``Bᵀ S R Sᵀ B`` to the bone. A rig by the rule of ``to_world`` has B = S.
    """

    def __init__(self, armature, bones: list[str]):
        rest = [armature.data.bones[bone] for bone in bones]
        heads = np.array([bone.head_local for bone in rest])
        joints = open_body().joints()
        self.body = _axes_between(joints - joints[0], heads - heads[0])
        self.bones = np.array([bone.matrix_local.to_3x3() for bone in rest])
        self.unit = metres_a_unit(np.linalg.norm(heads[15] - heads[0]))

    def turn(self, joint: int, rotations: np.ndarray) -> np.ndarray:
        """The joint's own of SMPL-X's rotations ``(F, 55, 3, 3)``, about the bone's axes: ``(F, 3, 3)``."""
        between = self.body.T @ self.bones[joint]
        return between.T @ rotations[:, joint] @ between

    def place(self, translation: np.ndarray) -> np.ndarray:
        """The pelvis's travel ``(F, 3)`` in metres along its bone's axes, in the rig's unit."""
        return translation @ self.body.T @ self.bones[0] / self.unit


def _axes_between(joints: np.ndarray, heads: np.ndarray) -> np.ndarray:
    """The rotation ``(3, 3)`` from SMPL-X's axes to those of a rig, told by where its joints are at rest.

    Axes are turned by quarters: what remains are the rig's own proportions.
    """
    nearest = nearest_rotation(heads.T @ joints)
    quarters = np.zeros((3, 3))
    for column in np.argsort(-np.abs(nearest).max(0)):
        free = np.where(quarters.any(1), 0, np.abs(nearest[:, column]))
        row = free.argmax()
        quarters[row, column] = np.sign(nearest[row, column])
    return quarters if np.linalg.det(quarters) > 0 else nearest
