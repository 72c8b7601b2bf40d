"""A motion sets everything that it stands for, whatever state and axes the rig was in before."""

import bpy
import numpy as np
import pytest
from mathutils import Quaternion

from isa_blender_addon.rigs.rig import add_character, apply_motion
from isa_engine.body import SMPLX_JOINTS, bundled_motion, open_body
from isa_engine.errors import SceneError
from tests.addon.scenes.cast import add_person, random_motion, world_vertices


def moved(scene, armature, frame=4) -> np.ndarray:
    scene.frame_set(frame)
    return world_vertices(scene, armature.children[0])


def lay_down(armature) -> None:
    """As the MPI add-on keys AMASS: the bone above the pelvis turned by a quarter."""
    root = armature.pose.bones["root"]
    root.rotation_mode = "XYZ"
    root.rotation_euler.x = -np.pi / 2
    root.keyframe_insert("rotation_euler", frame=1)


def push_aside(armature) -> None:
    armature.pose.bones["left_knee"].location = (0.3, 0.1, 0)
    armature.pose.bones["spine2"].scale = (1, 2, 1)


def keep_an_old_strip(armature) -> None:
    """An NLA track below, which moves what the motion says nothing of."""
    armature.pose.bones["root"].location = (0, 0, 3)
    armature.pose.bones["root"].keyframe_insert("location", frame=1)
    armature.pose.bones["right_elbow"].location = (0, 1, 0)
    armature.pose.bones["right_elbow"].keyframe_insert("location", frame=1)
    animation = armature.animation_data
    old, animation.action = animation.action, None
    animation.nla_tracks.new().strips.new("old", 1, old)


def tweak_a_strip(armature) -> None:
    keep_an_old_strip(armature)
    animation = armature.animation_data
    animation.nla_tracks[0].strips[0].select = True
    animation.nla_tracks.active = animation.nla_tracks[0]
    animation.use_tweak_mode = True


def play_a_track_alone(armature) -> None:
    keep_an_old_strip(armature)
    armature.animation_data.nla_tracks[0].is_solo = True


def blend_by_halves(armature) -> None:
    keep_an_old_strip(armature)
    armature.animation_data.action_blend_type, armature.animation_data.action_influence = "ADD", 0.5


def show_at_rest(armature) -> None:
    armature.data.pose_position = "REST"


def hold_an_arm_level(armature) -> None:
    armature.data.bones["left_elbow"].use_inherit_rotation = False


@pytest.mark.parametrize(
    "before",
    [
        hold_an_arm_level,
        lay_down,
        push_aside,
        keep_an_old_strip,
        tweak_a_strip,
        play_a_track_alone,
        blend_by_halves,
        show_at_rest,
    ],
)
def test_nothing_of_an_earlier_pose_or_action_is_left(scene, before):
    motion = random_motion(6, seed=3)
    wanted = moved(scene, add_person("Fresh", motion=motion))
    used = add_person("Used", motion=random_motion(6, seed=4))
    before(used)
    apply_motion(used, motion)
    np.testing.assert_allclose(moved(scene, used), wanted, atol=1e-4)


def test_the_place_where_the_artist_put_the_character_stays(scene):
    anna = add_person("Anna")
    anna.location, anna.rotation_mode = (2, 3, 0), "QUATERNION"
    anna.rotation_quaternion = Quaternion((0, 0, 1), 1.0)
    apply_motion(anna, random_motion(6, seed=3))
    scene.frame_set(4)
    assert tuple(anna.location) == (2, 3, 0)
    assert anna.rotation_quaternion.angle == pytest.approx(1.0)


@pytest.mark.parametrize("orientation", [True, False])
def test_a_rig_that_came_as_fbx_moves_as_the_one_it_was(scene, tmp_path, orientation):
    """Blender turns the bones of an FBX along their children where it is told to."""
    bpy.ops.preferences.addon_enable(module="io_scene_fbx")
    anna = add_character(bpy.context, open_body(), "Anna")
    anna.children[0].shape_key_clear()
    bpy.ops.object.select_all(action="SELECT")
    path = str(tmp_path / "anna.fbx")
    bpy.ops.export_scene.fbx(filepath=path, add_leaf_bones=False, bake_anim=False)
    bpy.ops.import_scene.fbx(filepath=path, automatic_bone_orientation=orientation)
    (imported,) = (o for o in bpy.context.selected_objects if o.type == "ARMATURE")
    motion = bundled_motion("walk")
    places = []
    for rig in (anna, imported):
        apply_motion(rig, motion)
        scene.frame_set(20)
        places.append([rig.matrix_world @ rig.pose.bones[joint].head for joint in SMPLX_JOINTS])
    np.testing.assert_allclose(places[1], places[0], atol=1e-3)


def test_a_rig_whose_pelvis_is_fixed_to_its_parent_is_refused(scene):
    anna = add_person("Anna")
    bpy.context.view_layer.objects.active = anna
    bpy.ops.object.mode_set(mode="EDIT")
    bones = anna.data.edit_bones
    # From below: Blender 4 removes a bone without length, and Blender 5 connects nothing to it.
    bones["root"].head, bones["root"].tail = (0, 0, -0.1), bones["pelvis"].head
    bones["pelvis"].use_connect = True
    bpy.ops.object.mode_set(mode="OBJECT")
    with pytest.raises(SceneError, match=r"^bone 'pelvis' is connected .* \('Anna'\)\. .* Connected off"):
        apply_motion(anna, random_motion())


def test_a_rig_in_edit_mode_is_refused(scene):
    anna = add_person("Anna")
    bpy.context.view_layer.objects.active = anna
    bpy.ops.object.mode_set(mode="EDIT")
    try:
        with pytest.raises(SceneError, match=r"'Anna' is in Edit Mode.*Leave the mode with Tab"):
            apply_motion(anna, random_motion())
    finally:
        bpy.ops.object.mode_set(mode="OBJECT")
