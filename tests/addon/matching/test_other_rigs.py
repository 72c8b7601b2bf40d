"""Characters whose bones are not SMPL-X's have ghosts too: posed by the artist, measured by names."""

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from isa_blender_addon.matching import seen
from isa_blender_addon.matching.pose import named_keypoints
from isa_blender_addon.preflight.glance import glance
from isa_blender_addon.scene.characters import joint_bones
from isa_blender_addon.settings.cast import cast_member, references
from isa_blender_addon.settings.shot import generation_settings
from isa_engine.body.fitting.keypoints import KEYPOINTS
from isa_engine.body.motions.joint_names import SCHEMES
from tests.addon.scenes.cast import stage
from tests.addon.scenes.shot import capture_shot
from tests.pipeline.shots import picture

SIZE = (300, 400)
# The left elbow's names, which moves a hand and nothing of the other side.
ELBOWS = "l_elbow", "left_elbow", "leftforearm", "lowerarm_l", "forearm.l"


def rename(armature, scheme: str, prefix: str = "") -> None:
    """Give the bones, and the groups that go with them, another program's names."""
    names = SCHEMES[scheme]
    for bone in list(armature.data.bones):
        side, _, joint = bone.name.partition("_")
        key = joint if side in ("left", "right") else bone.name
        plain = names.get(key, f"other {bone.name}")
        bone.name = prefix + plain.format(Side=side.capitalize(), S=side[0].upper(), s=side[0])


def smpl(armature):
    rename(armature, "SMPL", "m_avg_")


def smpl_h(armature):
    # Without the jaw and the eyes it is not the 55 joints.
    rename(armature, "SMPL-H")


def mixamo(armature):
    """As its FBX comes: centimetres, Y up, under an object that is scaled and turned."""
    rename(armature, "Mixamo", "mixamorig:")
    centimetres = Matrix.Rotation(-np.pi / 2, 4, "X") @ Matrix.Scale(100, 4)
    armature.data.transform(centimetres)
    armature.children[0].data.transform(centimetres, shape_keys=True)
    armature.matrix_world = armature.matrix_world @ centimetres.inverted()


def metahuman(armature):
    rename(armature, "Unreal")


def rigify(armature):
    """Bones that deform follow controls, some of which follow things in the scene."""
    rename(armature, "Rigify")
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    bones = armature.data.edit_bones
    for bone in list(bones):
        control = bones.new(f"ctrl {bone.name}")
        control.head, control.tail, control.parent = bone.head, bone.tail, bone.parent
    bpy.ops.object.mode_set(mode="OBJECT")
    for bone in armature.pose.bones:
        if not bone.name.startswith("ctrl "):
            follow = bone.constraints.new("COPY_ROTATION")
            follow.target, follow.subtarget = armature, f"ctrl {bone.name}"
            curve = armature.driver_add(f'pose.bones["{bone.name}"].constraints["{follow.name}"].influence')
            curve.driver.expression = "1.0"
    far = bpy.data.objects.new("Where the foot is", None)
    far.location = 7, 7, 7
    bpy.context.scene.collection.objects.link(far)
    armature.pose.bones["DEF-foot.L"].constraints.new("COPY_LOCATION").target = far


RIGS = [smpl, smpl_h, mixamo, metahuman, rigify]


@pytest.fixture(params=RIGS, ids=lambda rig: rig.__name__)
def member(request, scene, tmp_path, addon):
    """Anna on another program's rig, in the cast by the artist's word, with a portrait."""
    anna = stage(scene)
    for name in ("smplx_gender", "smplx_version"):
        del anna.children[0][name]
    request.param(anna)
    bpy.context.view_layer.update()
    assert joint_bones(anna) is None
    anna.select_set(True)
    assert bpy.ops.isa.add_to_cast() == {"FINISHED"}
    (tmp_path / "anna.png").write_bytes(picture(*SIZE))
    scene.isa.cast[0].picture = str(tmp_path / "anna.png")
    assert bpy.ops.isa.match_reference("EXEC_DEFAULT", True, character="Anna") == {"FINISHED"}
    bpy.context.view_layer.update()
    return cast_member(scene, "Anna")


def reference(scene):
    return capture_shot(scene, generation_settings(scene), references(scene)).characters[0].reference


def bend_elbow(ghost) -> None:
    """Turn it as the artist does: by its control, if it has one."""
    named = [bone for bone in ghost.pose.bones if bone.name.lower().endswith(ELBOWS)]
    bone = max(named, key=lambda bone: bone.name.startswith("ctrl "))
    bone.rotation_mode = "QUATERNION"
    bone.rotation_quaternion = 0.8, 0.0, 0.6, 0.0
    bpy.context.view_layer.update()


def test_the_ghost_stands_in_its_picture_and_its_points_go_to_the_engine(scene, member):
    found = reference(scene)
    places = seen.to_picture(found.points.astype(float), found.mvp)
    assert places.min() >= 0
    assert places.max() <= 1
    # Upright, in the middle, and not a speck.
    assert abs(places.mean(0) - 0.5).max() < 0.15
    assert 0.4 < np.ptp(places[:, 1]) < 0.95
    assert ["Nobody has posed" in found.sentence for found in glance(scene, None)] == [True]
    bend_elbow(member.ghost)
    assert glance(scene, None) == []


def test_its_named_joints_are_where_blender_shows_them(scene, member):
    known = named_keypoints(member.ghost)
    assert [name for name, one in zip(KEYPOINTS, known, strict=True) if one] == list(KEYPOINTS[5:])
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    bpy.context.view_layer.update()
    places = seen.ghost_places(scene, member)
    assert np.isnan(places[:5]).all()
    found = reference(scene)
    skin = seen.to_picture(found.points.astype(float), found.mvp)
    nearest = np.linalg.norm(skin[:, None] - places[None, 5:], axis=-1).min(0)
    assert nearest.max() < 0.03
    member.marks = np.where(np.isnan(places), 0.5, places)
    assert seen.match_error(scene, member) == pytest.approx(0, abs=0.01)
    member.marks = member.marks + np.array([0.1, 0])
    assert seen.match_error(scene, member) == pytest.approx(0.1 * SIZE[0], rel=1e-3)


def test_the_artist_poses_it_and_the_character_keeps_its_own_pose(scene, member):
    before, plays = reference(scene), capture_shot(scene, generation_settings(scene)).characters[0].points
    bend_elbow(member.ghost)
    after = reference(scene)
    moved = np.linalg.norm(after.points - before.points, axis=1)
    assert moved.max() > 0.1
    assert (moved < 1e-4).mean() > 0.5
    assert np.array_equal(plays, capture_shot(scene, generation_settings(scene)).characters[0].points)


def test_a_fit_is_refused_in_a_sentence(scene, member):
    member.marks = np.full((17, 2), 0.5)
    with pytest.raises(RuntimeError, match=r"has not the 55 SMPL-X bones.*by hand"):
        bpy.ops.isa.fit_pose(character="Anna")
