"""The overlay follows the scene, and reads it only when it changed."""

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

import isa_blender_addon
from isa_blender_addon.overlay.watch import watch
from isa_blender_addon.settings.cast import refresh_cast
from isa_engine.configuration import model_config
from tests.addon.scenes.cast import add_person, stage, world_vertices


@pytest.fixture
def staged(scene):
    isa_blender_addon.register()
    stage(scene)
    refresh_cast(scene)
    yield scene
    isa_blender_addon.unregister()


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
    assert "no character" in watch.problem
    staged.isa.cast[0].include = True
    assert len(watch.drawing(staged).points) == both // 2
    assert watch.problem == ""


def test_what_stands_in_the_way_is_a_sentence_and_goes_by_itself(staged):
    assert watch.drawing(staged) is not None
    staged.camera.data.type = "ORTHO"
    bpy.context.view_layer.update()
    assert watch.drawing(staged) is None
    assert "Set its lens type" in watch.problem
    staged.camera.data.type = "PERSP"
    bpy.context.view_layer.update()
    assert watch.drawing(staged) is not None
    assert watch.problem == ""


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
    isa_blender_addon.overlay.watch.watch.drawing(bpy.context.scene)
    assert watch.problem
