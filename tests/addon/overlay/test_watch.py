"""The overlay follows the scene, and reads it only when it changed."""

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

from isa_blender_addon.overlay.watch import watch
from isa_blender_addon.settings.cast import refresh_cast
from isa_blender_addon.settings.shot import generation_settings
from isa_engine.configuration import model_config
from tests.addon.scenes.cast import add_person, stage, world_vertices
from tests.addon.scenes.shot import capture_shot


@pytest.fixture
def staged(scene, addon):
    stage(scene)
    refresh_cast(scene)
    return scene


def test_the_canvas_is_the_cameras_frame_as_blender_sees_it(staged):
    staged.camera.data.shift_x, staged.camera.data.lens = 0.1, 70
    staged.render.pixel_aspect_x = 1.5
    bpy.context.view_layer.update()
    corners = watch.drawing(staged).canvas[:8:2]
    seen = [world_to_camera_view(staged, staged.camera, Vector(corner))[:2] for corner in corners.tolist()]
    np.testing.assert_allclose(seen, [(0, 0), (1, 0), (1, 1), (0, 1)], atol=1e-4)


def test_the_models_points_lie_on_the_characters(staged):
    add_person("Ben").location.x = 2
    refresh_cast(staged)
    staged.frame_set(3)
    made = watch.drawing(staged)
    count = model_config(staged.isa.model).dit.points
    assert len(made.points) == 2 * count
    assert len({member.colour[:] for member in staged.isa.cast}) == 2
    for member in staged.isa.cast:
        mine = made.points[np.isclose(made.colours[:, :3], member.colour[:], atol=1e-3).all(1)]
        assert len(mine) == count
        vertices = world_vertices(staged, member.character.children[0])
        nearest = np.linalg.norm(mine[:, None] - vertices[None], axis=-1).min(1)
        assert nearest.max() < 0.08


def test_the_scene_is_read_again_only_after_a_change(staged):
    first = watch.drawing(staged)
    assert watch.drawing(staged) is first
    staged.frame_set(4)
    second = watch.drawing(staged)
    assert second is not first
    assert not np.allclose(first.points, second.points)
    staged.objects["Anna"].location.z += 1
    bpy.context.view_layer.update()
    assert watch.drawing(staged).points[:, 2].mean() == pytest.approx(
        second.points[:, 2].mean() + 1, abs=1e-4
    )
    third = watch.drawing(staged)
    staged.isa.cast[0].colour = 1, 1, 1
    assert watch.drawing(staged).colours[:, :3].min() == 1
    assert np.array_equal(np.sort(watch.drawing(staged).points, 0), np.sort(third.points, 0))


def test_who_leaves_the_cast_is_drawn_no_more(staged):
    add_person("Ben")
    refresh_cast(staged)
    both = len(watch.drawing(staged).points)
    staged.isa.cast[0].include = False
    assert len(watch.drawing(staged).points) == both // 2
    for item in (*staged.objects["Ben"].children, staged.objects["Ben"]):
        bpy.data.objects.remove(item)
    refresh_cast(staged)
    assert watch.drawing(staged) is None
    assert "no character" in watch.problem(staged)
    staged.isa.cast[0].include = True
    assert len(watch.drawing(staged).points) == both // 2
    assert watch.problem(staged) == ""


def test_what_stands_in_the_way_is_a_sentence_and_goes_by_itself(staged):
    assert watch.drawing(staged) is not None
    staged.camera.data.type = "ORTHO"
    bpy.context.view_layer.update()
    assert watch.drawing(staged) is None
    assert "Set its lens type" in watch.problem(staged)
    staged.camera.data.type = "PERSP"
    bpy.context.view_layer.update()
    assert watch.drawing(staged) is not None
    assert watch.problem(staged) == ""


def test_undo_and_another_file_leave_no_object_of_before(staged):
    bpy.ops.ed.undo_push(message="staged")
    before = watch.drawing(staged)
    staged.objects["Anna"].location.z += 1
    bpy.ops.ed.undo_push(message="moved")
    assert watch.drawing(staged) is not None
    bpy.ops.ed.undo()
    after = watch.drawing(bpy.context.scene)
    np.testing.assert_allclose(np.sort(after.points, 0), np.sort(before.points, 0), atol=1e-6)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert watch.drawing(bpy.context.scene) is None
    assert watch.problem(bpy.context.scene)


def test_each_scene_has_its_own_drawing_and_problem(staged):
    """Two windows may show two scenes, and panels and views are drawn in any order."""
    empty = bpy.data.scenes.new("Empty")
    for _ in range(2):
        assert points_of(staged) > 0
        assert watch.drawing(empty) is None
        assert "scene 'Empty'" in watch.problem(empty)
        assert watch.problem(staged) == ""


def test_people_of_two_scenes_are_drawn_as_they_stand_in_each(staged):
    other = bpy.data.scenes.new("Other")
    for item in staged.objects:
        other.collection.objects.link(item)
    other.camera = staged.camera
    refresh_cast(other)
    staged.frame_set(2)
    other.frame_set(5)
    for scene in (staged, other, staged):
        (character,) = capture_shot(scene, generation_settings(scene)).characters
        drawn, read = watch.drawing(scene).points, character.points[scene.frame_current - 1]
        np.testing.assert_allclose(np.sort(drawn, 0), np.sort(read[: len(drawn)], 0), atol=1e-4)


def points_of(scene) -> int:
    bpy.context.view_layer.update()
    made = watch.drawing(scene)
    assert made is not None, watch.problem(scene)
    return len(made.points)


def test_who_is_hidden_in_renders_on_a_frame_is_not_drawn_on_it(staged):
    (body,) = staged.objects["Anna"].children
    all_of_her = points_of(staged)
    for frame, hidden in ((1, False), (3, True), (5, False)):
        body.hide_render = hidden
        body.keyframe_insert("hide_render", frame=frame)
    drawn = []
    for frame in (1, 3, 4, 5):
        staged.frame_set(frame)
        drawn.append(points_of(staged))
    assert drawn == [all_of_her, 0, 0, all_of_her]


def test_a_body_that_is_off_in_viewports_is_named_and_comes_back(staged):
    (body,) = staged.objects["Anna"].children
    all_of_her = points_of(staged)
    body.hide_viewport = True
    assert points_of(staged) == 0
    assert watch.problem(staged) == "Off in viewports, so generated but not drawn: Anna."
    body.hide_viewport = False
    assert points_of(staged) == all_of_her
    assert watch.problem(staged) == ""


def test_editing_a_body_is_said_and_what_was_edited_is_read_anew(staged):
    (body,) = staged.objects["Anna"].children
    all_of_her = points_of(staged)
    body.modifiers.new("Finer", "SUBSURF")
    assert points_of(staged) == all_of_her
    for item in (staged.objects["Anna"], body):
        bpy.context.view_layer.objects.active = item
        bpy.ops.object.mode_set(mode="EDIT")
        watch.mark()
        assert watch.drawing(staged) is None
        assert "Edit Mode" in watch.problem(staged)
        if item == body:
            bpy.ops.mesh.select_all(action="SELECT")
            bpy.ops.mesh.subdivide()
        bpy.ops.object.mode_set(mode="OBJECT")
        assert points_of(staged) == all_of_her
    # The last one goes while the list of the cast does not know it yet.
    bpy.data.objects.remove(body)
    assert points_of(staged) == 0


def test_the_canvas_is_of_the_camera_that_shoots_this_frame(staged):
    second = bpy.data.objects.new("Second", bpy.data.cameras.new("Second"))
    second.location, second.rotation_euler, second.data.lens = (3, -6, 0), (np.pi / 2, 0, 0.4), 90
    staged.collection.objects.link(second)
    bpy.context.view_layer.update()
    first = watch.drawing(staged)
    # Blender tells nobody that a marker was set.
    marker = staged.timeline_markers.new("Cut", frame=staged.frame_current)
    marker.camera = second
    corners = watch.drawing(staged).canvas[:8:2]
    assert not np.allclose(corners, first.canvas[:8:2])
    seen = [world_to_camera_view(staged, second, Vector(corner))[:2] for corner in corners.tolist()]
    np.testing.assert_allclose(seen, [(0, 0), (1, 0), (1, 1), (0, 1)], atol=1e-4)


@pytest.mark.parametrize(("start", "end"), [(0.1, 100), (4, 100), (0.001, 0.5), (2, 2.05)])
def test_the_camera_shows_its_canvas_whatever_it_clips(staged, start, end):
    staged.camera.data.clip_start, staged.camera.data.clip_end = start, end
    bpy.context.view_layer.update()
    for corner in watch.drawing(staged).canvas[:8].tolist():
        depth = world_to_camera_view(staged, staged.camera, Vector(corner))[2]
        assert start < depth < end


@pytest.mark.parametrize("unit", [0.01, 100])
def test_in_a_scene_of_other_units_the_same_points_are_shown(staged, unit):
    staged.frame_set(2)
    metres = watch.drawing(staged)
    giant = bpy.data.objects.new("Giant", None)
    staged.collection.objects.link(giant)
    for item in (staged.objects["Anna"], staged.camera):
        item.parent = giant
    giant.scale = [1 / unit] * 3
    staged.unit_settings.scale_length = unit
    bpy.context.view_layer.update()
    made = watch.drawing(staged)
    np.testing.assert_allclose(unit * made.points, metres.points, atol=1e-4)
    assert np.array_equal(made.colours, metres.colours)
