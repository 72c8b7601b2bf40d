"""Where a rig's joints and its face are: SMPL-X's 55 joints, then nose, eyes and ears (``shot.Character``).

Of a rig with the 55 SMPL-X bones all is known; of another one the joints whose bones have known names.
"""

import numpy as np
from mathutils import Matrix

from isa_engine.body import SMPLX_JOINTS
from isa_engine.body.fitting.keypoints import HEAD, face_points
from isa_engine.body.model.axes import TO_WORLD
from isa_engine.body.motions.joint_names import counterparts
from isa_engine.errors import BodyError
from isa_engine.shot.shot import SKELETON

from .characters import joint_bones
from .rest_axes import metres_a_unit

# SMPL-X's axes (Y up, facing +Z) in Blender's, and the camera's view (-Z ahead) in the world's.
TO_BLENDER = Matrix(TO_WORLD.tolist()).to_4x4()


class Skeleton:
    """The joints of a rig, at whatever frame it stands.

    Args:
        armature: any.

    Attributes:
        known: ``(60,)`` bool.
    """

    def __init__(self, armature):
        bones = named_bones(armature)
        order = {name: index for index, name in enumerate(armature.data.bones.keys())}
        self.known = np.zeros(SKELETON, bool)
        self.known[: len(SMPLX_JOINTS)] = [joint in bones for joint in SMPLX_JOINTS]
        self._bones = [order[bones[joint]] for joint in SMPLX_JOINTS if joint in bones]
        self._head, self._face = None, np.zeros((0, 3))
        if names := joint_bones(armature):
            self.known[len(SMPLX_JOINTS) :] = True
            self._head = names[HEAD]
            # From SMPL-X's space to the head bone's, which carries the face.
            carried = np.array(
                armature.data.bones[self._head].matrix_local.inverted() @ local_to_smplx(armature).inverted()
            )
            self._face = face_points(rest_joints(armature)) @ carried[:3, :3].T + carried[:3, 3]

    def places(self, evaluated) -> np.ndarray:
        """Joints of the evaluated armature, world: ``(60, 3)`` float32, NaN where one is not known."""
        bones = evaluated.pose.bones
        heads = np.empty(3 * len(bones), np.float32)
        bones.foreach_get("head", heads)
        found = heads.reshape(-1, 3)[self._bones].astype(np.float64)
        if self._head is not None:
            head = np.array(bones[self._head].matrix)
            found = np.concatenate([found, self._face @ head[:3, :3].T + head[:3, 3]])
        world = np.array(evaluated.matrix_world)
        places = np.full((SKELETON, 3), np.nan, np.float32)
        places[self.known] = found @ world[:3, :3].T + world[:3, 3]
        return places


def named_bones(armature) -> dict[str, str]:
    """SMPL-X joint → bone; empty where the bones have names of no known kind."""
    if names := joint_bones(armature):
        return dict(zip(SMPLX_JOINTS, names, strict=True))
    bones = armature.data.bones.keys()
    try:
        found = counterparts(bones, armature.name)
    except BodyError:
        return {}
    return {joint: bones[index] for joint, index in found.items()}


def rest_joints(armature) -> np.ndarray:
    """Joints at rest in SMPL-X's space, ``(55, 3)`` metres, of a rig that has all."""
    matrix = np.array(local_to_smplx(armature))
    heads = np.array([armature.data.bones[bone].head_local for bone in joint_bones(armature)])
    return heads @ matrix[:3, :3].T


def local_to_smplx(armature) -> Matrix:
    """From the own space of an armature with all joints, Z or Y up and of any unit, to SMPL-X's in metres."""
    bones, names = armature.data.bones, joint_bones(armature)
    up = bones[names[HEAD]].head_local - bones[names[0]].head_local
    axes = TO_BLENDER.inverted() if abs(up.z) > abs(up.y) else Matrix()
    return Matrix.Scale(metres_a_unit(up.length), 4) @ axes
