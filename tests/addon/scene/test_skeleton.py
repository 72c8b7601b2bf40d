"""Joints and face points of rigs: where the body model has them, whatever the rig's axes, units and names."""

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from isa_blender_addon.rigs.rig import apply_motion
from isa_blender_addon.scene.characters import set_cast
from isa_engine.body import SMPLX_JOINTS, SMPLX_PARENTS
from isa_engine.body.fitting.keypoints import HEAD, KEYPOINTS, of_skeleton
from isa_engine.body.model.axes import to_world
from isa_engine.body.model.rotation import matrices
from isa_engine.body.motions.joint_names import SCHEMES
from isa_engine.shot import Settings
from tests.addon.scenes.cast import add_camera, add_person, make_meshcapade, make_mpi, random_motion
from tests.addon.scenes.shot import capture_shot
from tests.addon.scenes.small_body import small_body
from tests.body.posed_keypoints import keypoints

MILLIMETRE = 1e-3
MOVED = Matrix.Translation((1.0, -2.0, 0.5)) @ Matrix.Rotation(0.7, 4, (0.3, 0.5, 0.8))


def posed(motion) -> tuple[np.ndarray, np.ndarray]:
    """The body model's own joints ``(F, 55, 3)`` and COCO keypoints ``(F, 17, 3)`` of a motion, world."""
    body = small_body()
    _, joints = body.pose(rotations=motion.rotations, translation=motion.translation)
    turned, joint = np.eye(3), HEAD
    while joint >= 0:
        turned = matrices(motion.rotations[:, joint]) @ turned
        joint = SMPLX_PARENTS[joint]
    return to_world(joints), to_world(keypoints(joints, turned, body.joints()))


@pytest.mark.parametrize(
    "make", [lambda rig: rig, make_mpi, make_meshcapade], ids=["ours", "MPI", "Meshcapade"]
)
def test_all_joints_and_the_face_are_where_the_body_model_has_them(scene, make):
    motion = random_motion(4)
    rig = make(add_person("Anna"))
    apply_motion(rig, motion)
    rig.matrix_world = MOVED @ rig.matrix_world
    add_camera(scene)
    scene.frame_start, scene.frame_end = 1, 4
    (anna,) = capture_shot(scene, Settings(width=224, height=128)).characters
    move = np.array(MOVED)
    for found, expected in zip(
        (anna.skeleton[:, :55], of_skeleton(anna.skeleton)), posed(motion), strict=True
    ):
        away = np.linalg.norm(found - (expected @ move[:3, :3].T + move[:3, 3]), axis=-1)
        assert away.max() < MILLIMETRE


def test_of_other_bones_the_joints_with_known_names_are_told(scene):
    anna = add_person("Anna")
    for bone in list(anna.data.bones):
        side, _, joint = bone.name.partition("_")
        name = SCHEMES["Mixamo"].get(joint if side in ("left", "right") else bone.name, f"other {bone.name}")
        bone.name = name.format(Side=side.capitalize())
    for name in ("smplx_gender", "smplx_version"):
        del anna.children[0][name]
    set_cast(scene, anna, True)
    add_camera(scene)
    scene.frame_start, scene.frame_end = 1, 2
    (character,) = capture_shot(scene, Settings(width=224, height=128)).characters
    unknown = np.isnan(character.skeleton).any((0, 2))
    assert [SMPLX_JOINTS[k] for k in np.flatnonzero(unknown[:55])] == [
        "jaw", "left_eye_smplhf", "right_eye_smplhf"
    ]  # fmt: skip
    assert unknown[55:].all()
    wrist = of_skeleton(character.skeleton)[1, KEYPOINTS.index("left_wrist")]
    scene.frame_set(2)
    bpy.context.view_layer.update()
    assert np.allclose(wrist, anna.matrix_world @ anna.pose.bones["LeftHand"].head, atol=1e-5)


def test_a_rig_whose_bones_have_no_known_names_plays_without(scene):
    anna = add_person("Anna")
    for bone in list(anna.data.bones):
        bone.name = f"bone {bone.name}"
    add_camera(scene)
    scene.frame_start, scene.frame_end = 1, 2
    (character,) = capture_shot(scene, Settings(width=224, height=128)).characters
    assert character.skeleton is None
