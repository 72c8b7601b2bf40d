"""Matching characters to their pictures: marks, the ghost, the fit, and what the engine gets of it."""

from types import SimpleNamespace
from unittest.mock import MagicMock

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

from isa_blender_addon.matching import draw, ghost, pose, seen
from isa_blender_addon.matching.marks import error, in_words, mark_at, next_unmarked
from isa_blender_addon.operators.matching.mark_joints import ISA_OT_mark_joints
from isa_blender_addon.preflight.glance import glance
from isa_blender_addon.scene.characters import joint_bones
from isa_blender_addon.settings.cast import cast_member, references, refresh_cast
from isa_blender_addon.settings.shot import generation_settings
from isa_blender_addon.ui.cast import ISA_PT_cast
from isa_blender_addon.ui.cast_list import ISA_UL_cast
from isa_blender_addon.ui.matching import draw_matching
from isa_engine.body import write_motion
from isa_engine.body.fitting.keypoints import BODY_JOINTS
from tests.addon.drawn import drawn
from tests.addon.scenes.cast import make_meshcapade, make_mpi, random_motion, stage
from tests.addon.scenes.shot import capture_shot
from tests.addon.scenes.snapshot import snapshot
from tests.pipeline.shots import picture

SIZE = (300, 400)
# Leaning into the camera, an arm up, a leg forward.
POSE = np.zeros((BODY_JOINTS, 3))
POSE[0], POSE[16], POSE[1], POSE[12] = (0.1, 0.5, 0), (0, -0.3, 0.9), (-0.4, 0, 0.1), (0.1, 0.2, 0)
PLACE = np.array([0.1, 0.2, -4.5])


@pytest.fixture
def member(scene, tmp_path, addon):
    """Anna with a portrait that is no frame of the scene."""
    stage(scene)
    (tmp_path / "anna.png").write_bytes(picture(*SIZE))
    refresh_cast(scene)
    scene.isa.cast[0].picture = str(tmp_path / "anna.png")
    return scene.isa.cast[0]


def match(character="Anna"):
    assert bpy.ops.isa.match_reference("EXEC_DEFAULT", True, character=character) == {"FINISHED"}
    bpy.context.view_layer.update()
    return cast_member(bpy.context.scene, character)


def stand(member, rotations=POSE, place=PLACE) -> np.ndarray:
    """Pose the ghost; where its keypoints are in the picture then."""
    pose.pose_ghost(member, rotations, place)
    bpy.context.view_layer.update()
    return seen.ghost_places(bpy.context.scene, member)


def row(scene) -> tuple[str, str]:
    """What the cast list says of the first member, and its icon; "ERROR": it is in red."""
    layout = MagicMock()
    layout.row.return_value = layout.split.return_value = layout
    ISA_UL_cast.draw_item(None, bpy.context, layout, scene.isa, scene.isa.cast[0], 0, None, "", 0)
    said = [
        call.kwargs for call in layout.label.call_args_list if call.kwargs.get("text") not in ("", "Anna")
    ]
    return said[0]["text"], "ERROR" if layout.alert else said[0]["icon"]


def test_the_ghost_is_of_the_scene_but_not_of_the_cast_nor_of_any_render(scene, member):
    before = capture_shot(scene, generation_settings(scene))
    member = match()
    refresh_cast(scene)
    assert [m.character.name for m in scene.isa.cast] == ["Anna"]
    assert member.pose == "MATCHED"
    assert bpy.data.collections[ghost.COLLECTION].hide_render
    after = capture_shot(scene, generation_settings(scene))
    assert np.array_equal(before.characters[0].points, after.characters[0].points)
    assert ghost.has_ghost(scene, member)
    match()
    assert len(bpy.data.collections[ghost.COLLECTION].objects) == 3


def test_the_ghost_at_rest_stands_before_its_camera_facing_it(scene, member):
    member = match()
    places = seen.ghost_places(scene, member)
    assert (places >= 0).all()
    assert (places <= 1).all()
    nose, left_shoulder, right_shoulder, left_ankle = places[[0, 5, 6, 15]]
    assert left_shoulder[0] > right_shoulder[0]
    assert nose[1] < left_shoulder[1] < left_ankle[1]


@pytest.mark.parametrize("kind", [lambda armature: armature, make_mpi, make_meshcapade])
def test_a_pose_looks_alike_on_every_kind_of_rig(scene, member, kind):
    ours = stand(match())
    for item in list(bpy.data.collections[ghost.COLLECTION].objects):
        bpy.data.objects.remove(item)
    armature = kind(scene.objects["Anna"])
    armature.location = 3, 4, 0
    armature.rotation_euler.z += 1
    refresh_cast(scene)
    theirs = stand(match())
    np.testing.assert_allclose(theirs, ours, atol=2e-3)


def test_the_skin_follows_the_figure(scene, member):
    member = match()
    for place in (PLACE, PLACE + np.array([0.5, 0, 0])):
        figure = stand(member, place=place)
        skin = draw._skin(scene, member)
        nearest = np.linalg.norm(skin[:, None] - figure[None, 5:], axis=-1).min(0)
        assert nearest.max() < 0.03


def test_the_ghosts_camera_sees_as_blender_shows_it(scene, member):
    member = match()
    places = stand(member)
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    ghost.fit_camera_to_picture(scene, member)
    bpy.context.view_layer.update()
    bones = joint_bones(member.ghost)
    for index, joint in ((5, 16), (14, 5), (15, 7)):
        head = member.ghost.matrix_world @ member.ghost.pose.bones[bones[joint]].head
        x, y, _ = world_to_camera_view(scene, member.ghost_camera, Vector(head))
        assert (x, 1 - y) == pytest.approx(places[index], abs=1e-5)


def test_the_fit_lies_on_the_marks_and_goes_to_the_engine(scene, member):
    member = match()
    true = stand(member)
    skin = draw._skin(scene, member)
    stand(member, np.zeros((BODY_JOINTS, 3)), np.array([0, 0, -4.0]))
    member.marks = true + np.random.default_rng(0).normal(0, 1 / SIZE[1], true.shape)
    assert seen.match_error(scene, member) > 10
    assert bpy.ops.isa.fit_pose(character="Anna") == {"FINISHED"}
    assert seen.match_error(scene, member) < 2.5

    reference = capture_shot(scene, generation_settings(scene), references(scene)).characters[0].reference
    places = seen.to_picture(reference.points.astype(float), reference.mvp)
    assert np.linalg.norm((places - skin) * SIZE, axis=1).mean() < 6
    assert capture_shot(scene, generation_settings(scene), references(scene)).frame_reference is None


def test_what_the_artist_corrects_by_hand_counts(scene, member):
    member = match()
    stand(member)
    before = capture_shot(scene, generation_settings(scene), references(scene)).characters[0].reference
    member.ghost.location.x += 0.2
    member.ghost.pose.bones["left_shoulder"].rotation_quaternion = 1, 0, 0, 0
    bpy.context.view_layer.update()
    after = capture_shot(scene, generation_settings(scene), references(scene)).characters[0].reference
    assert np.linalg.norm(after.points - before.points, axis=1).min() > 0.1


def test_a_motion_after_a_match_is_the_characters_and_the_ghost_stands_still(scene, member, tmp_path):
    member = match()
    before, old = seen.ghost_places(scene, member), scene.objects["Anna"].animation_data.action
    assert bpy.context.active_object == member.ghost
    write_motion(random_motion(frames=2, seed=4), tmp_path / "walk.npz")
    assert bpy.ops.isa.import_motion(filepath=str(tmp_path / "walk.npz")) == {"FINISHED"}
    scene.frame_set(2)
    np.testing.assert_allclose(seen.ghost_places(scene, member), before, atol=1e-6)
    assert scene.objects["Anna"].animation_data.action != old


def test_a_fit_that_failed_says_so_and_leaves_the_ghost(scene, member):
    member = match()
    stand(member)
    before = member.ghost.matrix_world.copy()
    member.marks = np.random.default_rng(0).uniform(0, 1, (17, 2))
    with pytest.raises(RuntimeError, match="No pose fits the marks"):
        bpy.ops.isa.fit_pose(character="Anna")
    assert member.ghost.matrix_world == before
    member.marks = np.full((17, 2), np.nan)
    with pytest.raises(RuntimeError, match="0 of the 17 joints are marked"):
        bpy.ops.isa.fit_pose(character="Anna")


def test_preflight_knows_who_is_matched_and_how_well(scene, member):
    (shape,) = glance(scene, None)
    assert "another shape than the camera's view" in shape.sentence
    assert row(scene) == ("first frame", "NONE")
    member = match()
    (unposed,) = glance(scene, None)
    assert unposed.serious
    assert row(scene) == ("not matched", "ERROR")
    marks = stand(member)
    assert glance(scene, None) == []
    assert row(scene) == ("by hand", "NONE")
    member.marks = marks + 0.1
    (off,) = glance(scene, None)
    assert "pixels off" in off.sentence
    assert "pixels off" in " ".join(drawn(ISA_PT_cast))
    assert row(scene) == ("50 px off", "ERROR")
    # Two of a hundred parts of the figure, and not of the picture, are few enough.
    few = 0.019 * seen.error_and_size(scene, member)[1]
    member.marks = marks + np.array([few / SIZE[0], 0])
    assert row(scene) == (f"{few:.1f} px", "CHECKMARK")
    assert glance(scene, None) == []
    for item in (*member.ghost.children, member.ghost):
        bpy.data.objects.remove(item)
    assert "not matched" in glance(scene, None)[0].sentence


def test_a_stand_in_is_looked_at_again_before_another_picture(scene, member, tmp_path):
    member = match()
    stand(member)
    (tmp_path / "coat.png").write_bytes(picture(*SIZE))
    member.picture = str(tmp_path / "coat.png")
    (finding,) = glance(scene, None)
    assert finding.sentence.startswith("Anna's stand-in is posed by another picture")
    assert finding.is_mended_by("isa.match_reference", {"character": "Anna"})
    assert row(scene) == ("not matched", "ERROR")
    assert "The stand-in is posed by another picture." in " ".join(drawn(ISA_PT_cast))
    places = seen.ghost_places(scene, member)
    member = match()
    np.testing.assert_array_equal(seen.ghost_places(scene, member), places)
    (behind,) = member.ghost_camera.data.background_images
    assert behind.image.filepath == str(tmp_path / "coat.png")
    assert glance(scene, None) == []
    assert row(scene) == ("by hand", "NONE")


def test_a_stand_in_stays_matched_wherever_its_file_is_saved(scene, member, tmp_path):
    stand(match())
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / folder / "shot.blend"))
        member.picture = bpy.path.relpath(bpy.path.abspath(member.picture))
        assert row(scene) == ("by hand", "NONE")
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "two" / "shot.blend"))
    bpy.context.view_layer.update()
    assert row(bpy.context.scene) == ("by hand", "NONE")


@pytest.mark.parametrize("bone", [None, "left_shoulder"])
def test_a_ghost_is_posed_once_it_or_a_bone_has_moved(scene, member, bone):
    member = match()
    assert not pose.is_posed(member.ghost)
    match()
    assert not pose.is_posed(member.ghost)
    if bone is None:
        member.ghost.location.x += 0.01
    else:
        member.ghost.pose.bones[bone].rotation_quaternion = 0.99, 0.1, 0, 0
    bpy.context.view_layer.update()
    assert pose.is_posed(member.ghost)


def test_a_row_says_where_a_picture_is_missing(scene, member):
    member.picture = "//gone.png"
    assert row(scene) == ("file missing", "ERROR")
    member.picture = ""
    assert row(scene) == ("no picture", "NONE")


def test_a_fit_says_that_it_goes_on_and_cannot_be_begun_twice(scene, member):
    member = match()
    member.marks = stand(member)
    buttons = {}
    for fitted in (None, "Anna"):
        draw.marking.fitted = fitted
        layout = MagicMock()
        layout.row.return_value = layout
        draw_matching(bpy.context, layout, member)
        (fit,) = (call for call in layout.operator.call_args_list if call.args[0] == "isa.fit_pose")
        buttons[fitted] = (fit.kwargs["text"], layout.enabled)
    draw.marking.fitted = None
    assert buttons == {None: ("Fit", True), "Anna": ("Fitting…", False)}


def test_a_character_without_a_picture_is_told_to_have_one(scene, member):
    member.picture = "//gone.png"
    with pytest.raises(RuntimeError, match=r"The picture is missing, or none \(reference picture of '"):
        bpy.ops.isa.match_reference(character="Anna")


def test_matching_and_fitting_undo(scene, member):
    bpy.ops.ed.undo_push(message="staged")
    before = snapshot()
    match()
    bpy.ops.ed.undo()
    after = snapshot()
    # Objects are others after an undo, of the same names.
    assert after.pop("cameras")
    assert before.pop("cameras")
    assert after == before
    assert cast_member(bpy.context.scene, "Anna").pose == "FIRST"


def test_a_match_survives_saving(scene, member, tmp_path):
    member = match()
    places = stand(member)
    member.marks = places
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    scene = bpy.context.scene
    bpy.context.view_layer.update()
    member = cast_member(scene, "Anna")
    assert member.pose == "MATCHED"
    assert seen.match_error(scene, member) == pytest.approx(0, abs=0.1)


def test_marks_come_one_by_one_are_dragged_skipped_and_removed(scene, member, monkeypatch):
    view = SimpleNamespace(
        region_to_view=lambda x, y: (x / 100, y / 100),
        view_to_region=lambda x, y, clip: (100 * x, 100 * y),
    )
    region = SimpleNamespace(type="WINDOW", x=10, y=20, width=100, height=100, view2d=view)
    said = []
    area = SimpleNamespace(regions=[region], header_text_set=said.append, tag_redraw=lambda: None)
    space = SimpleNamespace(type="IMAGE_EDITOR", image=SimpleNamespace(filepath=member.picture))
    manager = SimpleNamespace(modal_handler_add=lambda _: None)
    context = SimpleNamespace(space_data=space, scene=scene, area=area, window_manager=manager)
    operator = SimpleNamespace()
    for name in ("_click", "_put", "_set", "_ask", "_refit", "cancel"):
        function = getattr(ISA_OT_mark_joints, name)
        setattr(operator, name, lambda *args, function=function: function(operator, *args))
    assert ISA_OT_mark_joints.invoke(operator, context, None) == {"RUNNING_MODAL"}
    assert "nose" in said[-1]

    def event(kind, x=0, y=0, value="PRESS", shift=False):
        here = SimpleNamespace(type=kind, value=value, mouse_x=10 + x, mouse_y=20 + y, shift=shift)
        return ISA_OT_mark_joints.modal(operator, context, here)

    event("LEFTMOUSE", 30, 80)
    event("LEFTMOUSE", 30, 80, "RELEASE")
    assert member.marks[0] == pytest.approx((0.3, 0.2), abs=1e-6)
    assert "left eye" in said[-1]
    event("LEFTMOUSE", 32, 81, shift=True)
    event("MOUSEMOVE", 50, 60, "NOTHING")
    event("LEFTMOUSE", 50, 60, "RELEASE")
    assert member.marks[0] == pytest.approx((0.5, 0.4), abs=1e-6)
    assert np.isnan(member.marks[1:]).all()
    event("S", 90, 90)
    assert "right eye" in said[-1]
    event("X", 51, 59)
    assert np.isnan(member.marks).all()
    assert event("LEFTMOUSE", 300, 50) == {"PASS_THROUGH"}
    assert event("MIDDLEMOUSE", 50, 50) == {"PASS_THROUGH"}
    assert event("RET", 50, 50) == {"FINISHED"}
    assert said[-1] is None
    assert draw.marking.asked is None


def test_marks_by_numbers():
    marks = np.full((17, 2), np.nan)
    assert error(marks, np.zeros((17, 2))) is None
    assert next_unmarked(marks, {0, 1}) == 2
    marks[3], marks[5] = (3, 4), (0, 0)
    assert error(marks, np.zeros((17, 2))) == pytest.approx(np.sqrt(12.5))
    assert mark_at(marks, np.array([4, 4.0])) == 3
    assert mark_at(marks, np.array([40, 4.0])) is None
    assert in_words(5) == "left shoulder"
