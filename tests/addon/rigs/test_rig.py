"""Rig and loader are one body; the rig bears the MPI add-on's names."""

import bpy
import numpy as np
import pytest

from isa_blender_addon.rigs.dress import dress
from isa_blender_addon.rigs.rig import add_character, apply_motion, put_on_ground
from isa_blender_addon.scene.characters import joint_bones
from isa_engine.body import SMPLX_JOINTS, bundled_motion, open_body
from isa_engine.body.model.axes import to_world
from isa_engine.errors import BodyError, SceneError
from tests.addon.scenes.cast import add_person, make_meshcapade, random_motion, world_vertices
from tests.addon.scenes.small_body import small_body

TENTH_OF_A_MILLIMETRE = 1e-4


def greatest_distance(scene, armature, body, motion, frames, betas=()):
    """Between Blender's evaluated vertices and the engine's own, over the motion's frames."""
    worst = 0.0
    for frame in frames:
        scene.frame_set(1 + frame)
        theirs = world_vertices(scene, armature.children[0])
        ours, _ = body.pose(betas, (), motion.rotations[frame], motion.translation[frame])
        worst = max(worst, np.linalg.norm(theirs - to_world(ours), axis=-1).max())
    return worst


def test_rig_and_loader_agree_over_a_motion(scene):
    body, motion, betas = open_body(), bundled_motion("walk"), (1.2, -0.7)
    assert motion.fps == scene.render.fps
    armature = add_character(bpy.context, body, "Anna", betas=betas)
    apply_motion(armature, motion)
    frames = np.linspace(0, len(motion.rotations) - 1, 5).astype(int).tolist()
    assert greatest_distance(scene, armature, body, motion, frames, betas) < TENTH_OF_A_MILLIMETRE


@pytest.mark.parametrize("pose_correctives", [False, True])
def test_rig_and_loader_agree_in_wild_poses(scene, pose_correctives):
    body, motion = small_body(pose_correctives), random_motion(4)
    armature = add_person(motion=motion, body=body)
    assert ("Pose485" in armature.children[0].data.shape_keys.key_blocks) == pose_correctives
    assert greatest_distance(scene, armature, body, motion, range(4)) < TENTH_OF_A_MILLIMETRE


def test_a_motion_keeps_its_own_time_at_another_frame_rate(scene):
    scene.render.fps = 24
    body, motion = small_body(), random_motion(9, fps=12.0)
    armature = add_person(motion=motion, body=body)
    scene.frame_set(1 + 2 * 8)
    ours, _ = body.pose((), (), motion.rotations[8], motion.translation[8])
    theirs = world_vertices(scene, armature.children[0])
    assert np.abs(theirs - to_world(ours)).max() < TENTH_OF_A_MILLIMETRE


def test_quaternions_never_turn_the_long_way_round(scene):
    """Half-way between two keys a joint is between them, also where its angle passes half a turn."""
    motion = random_motion(20)
    motion.rotations[:, 16] = np.linspace(2.5, 4.0, 20)[:, None] * [0, 0, 1]
    armature = add_person(motion=motion)
    angles = []
    for frame in range(1, 19):
        scene.frame_set(frame, subframe=0.5)
        angles.append(armature.pose.bones["left_shoulder"].matrix_basis.to_quaternion().angle)
    between = (motion.rotations[:-1, 16, 2] + motion.rotations[1:, 16, 2])[:18] / 2
    np.testing.assert_allclose(np.cos(angles), np.cos(between), atol=1e-3)


def test_names_are_those_of_the_mpi_add_on(scene):
    armature = add_character(bpy.context, open_body(), "Anna")
    mesh = armature.children[0]
    assert mesh.name == "SMPLX-mesh-neutral"
    assert [bone.name for bone in armature.data.bones if bone.parent is None] == ["root"]
    assert {bone.name for bone in armature.data.bones} == {"root", *SMPLX_JOINTS}
    keys = mesh.data.shape_keys.key_blocks
    assert keys[0].name == "Basis"
    assert {"Shape000", "Shape009", "Exp000"} <= set(keys.keys())
    assert "Pose000" not in keys
    assert mesh["smplx_gender"] == "neutral"
    joints = to_world(open_body().joints())
    for joint, place in zip(SMPLX_JOINTS, joints, strict=True):
        np.testing.assert_allclose(armature.data.bones[joint].head_local, place, atol=1e-6)


def test_uv_follows_the_body(scene):
    body = small_body()
    mesh = add_character(bpy.context, body, "Anna").children[0].data
    uv = np.array([corner.uv for corner in mesh.uv_layers[0].data]).reshape(-1, 3, 2)
    np.testing.assert_array_equal(uv, body.uv[body.uv_faces])
    corners = np.array([polygon.vertices for polygon in mesh.polygons])
    np.testing.assert_array_equal(corners, body.faces)


def test_a_second_character_leaves_the_first_alone(scene):
    first = add_person("Anna")
    before = world_vertices(scene, first.children[0])
    second = add_person("Anna")
    assert second.name == "Anna.001"
    np.testing.assert_array_equal(world_vertices(scene, first.children[0]), before)
    assert bpy.context.view_layer.objects.active == second
    assert bpy.context.selected_objects == [second]


def test_a_character_goes_into_its_collection_only(scene):
    crowd = bpy.data.collections.new("Crowd")
    scene.collection.children.link(crowd)
    armature = add_character(bpy.context, small_body(), "Anna", crowd)
    assert armature.users_collection == armature.children[0].users_collection == (crowd,)


def test_a_motion_fits_a_rig_in_centimetres(scene):
    body, motion = small_body(), random_motion(3)
    armature = make_meshcapade(add_person(motion=random_motion(3, seed=5), body=body))
    apply_motion(armature, motion)
    assert greatest_distance(scene, armature, body, motion, range(3)) < TENTH_OF_A_MILLIMETRE


def test_put_on_ground_rests_the_lowest_point_at_zero(scene):
    armature = add_person()
    armature.location = (1, 2, 3)
    put_on_ground(armature)
    bpy.context.view_layer.update()
    assert abs(world_vertices(scene, armature.children[0])[:, 2].min()) < 1e-5
    assert tuple(armature.location)[:2] == (1, 2)


def test_dress_colours_regions(scene):
    armature = add_character(bpy.context, small_body(), "Anna")
    dress(armature, shirt=(1, 0, 0), shoes=(0, 1, 0))
    mesh = armature.children[0].data
    centre = {}
    for polygon in mesh.polygons:
        name = mesh.materials[polygon.material_index].name
        centre.setdefault(name, []).append(polygon.center.z)
    heights = {name: np.mean(z) for name, z in centre.items()}
    assert heights["Anna shoes"] < heights["Anna trousers"] < heights["Anna shirt"] < heights["Anna hair"]
    assert tuple(mesh.materials["Anna shirt"].diffuse_color) == (1, 0, 0, 1)


def test_a_motion_on_a_foreign_armature_is_a_sentence(scene):
    armature = bpy.data.objects.new("Crane", bpy.data.armatures.new("Crane"))
    scene.collection.objects.link(armature)
    with pytest.raises(SceneError, match="'Crane' is not an SMPL-X rig"):
        apply_motion(armature, random_motion())
    assert armature.animation_data is None
    with pytest.raises(SceneError, match="'Crane' is not an SMPL-X rig"):
        dress(armature)


def test_too_many_betas_leave_no_half_a_character(scene):
    with pytest.raises(BodyError, match="12 shape components"):
        add_character(bpy.context, small_body(), "Anna", betas=range(12))
    assert not bpy.data.objects


def test_adding_in_edit_mode_is_a_sentence(scene):
    armature = add_person()
    bpy.ops.object.mode_set(mode="POSE")
    with pytest.raises(SceneError, match=r"object mode\. Leave the mode"):
        add_character(bpy.context, small_body(), "Ben")
    assert len(bpy.data.objects) == 2
    assert joint_bones(armature)
