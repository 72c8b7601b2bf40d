"""How a ghost stands: its pose before the camera, and where its keypoints are then.

Of a rig with the 55 SMPL-X bones all is known. Of another one only the artist knows how its bones turn, and
the joints that can be told by their names tell how well it stands.
"""

import numpy as np
from mathutils import Matrix, Quaternion, Vector

from isa_engine.body.fitting.fitting import Fit
from isa_engine.body.fitting.keypoints import KEYPOINTS, of_skeleton
from isa_engine.body.model.rotation import matrices, quaternions

from ..scene.characters import joint_bones, rest_box
from ..scene.skeleton import TO_BLENDER, Skeleton, local_to_smplx, named_bones, rest_joints

# Nose, eyes and ears, which no bone stands for, come before these.
_JOINTS = KEYPOINTS[5:]
# Metres from head to foot: who is so tall stands as far from the camera as is asked.
_TALL = 1.7
# A ghost's matrix as it was made, row by row, is a property of this name; nothing moved by less.
_MADE, _STILL = "isa_made", 1e-5


def take_fit(member, fit: Fit) -> None:
    """Pose a ghost as fitted."""
    rest = rest_joints(member.ghost)
    pose_ghost(member, fit.rotations, fit.translation + rest[0])


def pose_ghost(member, rotations: np.ndarray, place: np.ndarray) -> None:
    """Set the whole pose of a ghost with the 55 SMPL-X bones.

    Args:
        rotations: ``(J, 3)`` axis-angle of the first J joints, the body's 22 or all; the first turns the
            object, so that the artist can move it as one.
        place: ``(3,)`` of the pelvis before the camera, metres, the camera looking along −Z.
    """
    ghost, rest = member.ghost, rest_joints(member.ghost)
    turn = matrices(rotations[0])
    body = np.eye(4)
    body[:3, :3], body[:3, 3] = turn, place - turn @ rest[0]
    stage = member.ghost_camera.matrix_basis @ TO_BLENDER.inverted()
    ghost.matrix_basis = stage @ TO_BLENDER @ Matrix(body.tolist()) @ local_to_smplx(ghost)
    for bone in ghost.pose.bones:
        bone.matrix_basis = Matrix()
    for bone, quaternion in zip(
        joint_bones(ghost)[1 : len(rotations)], quaternions(matrices(rotations[1:])), strict=True
    ):
        ghost.pose.bones[bone].rotation_mode = "QUATERNION"
        ghost.pose.bones[bone].rotation_quaternion = Quaternion(quaternion)


def stand_at_rest(member, skin, distance: float) -> None:
    """Stand a ghost of any rig before its camera: at rest, upright and turned as its character is.

    Args:
        skin: its mesh object, which is placed in the middle of the picture.
        distance: metres from the camera, for a person of natural size; others as far as looks the same.
    """
    ghost = member.ghost
    for bone in ghost.pose.bones:
        bone.matrix_basis = Matrix()
    turned = ghost.matrix_basis.to_3x3().to_4x4()
    low, high = rest_box(skin, turned @ skin.matrix_basis)
    far = distance * float((high - low).max()) / _TALL
    middle = member.ghost_camera.matrix_basis @ Vector((0, 0, -far))
    ghost.matrix_basis = Matrix.Translation(middle - Vector((low + high) / 2)) @ turned


def remember_made(ghost) -> None:
    """Note how a ghost stands as it is made."""
    ghost[_MADE] = [number for row in ghost.matrix_basis for number in row]


def is_posed(ghost) -> bool:
    """Whether anybody has moved a ghost, or a bone of it, since it was made; of old ghosts nothing tells."""
    made = ghost.get(_MADE)
    if made is None:
        return True
    if np.abs(np.array(ghost.matrix_basis).ravel() - np.array(made)).max() > _STILL:
        return True
    bones = np.empty(16 * len(ghost.pose.bones), np.float32)
    ghost.pose.bones.foreach_get("matrix_basis", bones)
    return bool(np.abs(bones.reshape(-1, 4, 4) - np.eye(4)).max() > _STILL)


def named_keypoints(armature) -> list[bool]:
    """Which of the 17 keypoints are known of a rig: all of SMPL-X's, else the joints with a known name."""
    if joint_bones(armature):
        return [True] * len(KEYPOINTS)
    named = named_bones(armature)
    return [False] * (len(KEYPOINTS) - len(_JOINTS)) + [name in named for name in _JOINTS]


def keypoint_places(ghost) -> np.ndarray:
    """Where an evaluated ghost's keypoints are in the world: ``(17, 3)``, NaN where they are not known."""
    return of_skeleton(Skeleton(ghost).places(ghost))
