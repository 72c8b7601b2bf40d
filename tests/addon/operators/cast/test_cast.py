"""Who is added to the cast, found for it, moved, and left out."""

import importlib
from types import SimpleNamespace
from unittest.mock import MagicMock

import bpy
import numpy as np
import pytest

from isa_blender_addon.operators.cast.add_character import draw_in_add_menu
from isa_blender_addon.settings.cast import playing, references, refresh_cast
from isa_blender_addon.settings.shot import generation_settings
from isa_blender_addon.ui.cast_list import thumbnail
from isa_engine.body import write_motion
from tests.addon.scenes.cast import add_camera, add_person, random_motion, stage, world_vertices
from tests.addon.scenes.shot import capture_shot

pytestmark = pytest.mark.usefixtures("addon")


def test_a_character_that_is_added_stands_on_the_cursor_and_is_in_the_cast(scene):
    scene.cursor.location = 1, 2, 0.5
    assert bpy.ops.isa.add_character(name="Anna") == {"FINISHED"}
    armature = scene.objects["Anna"]
    assert armature.location[:2] == (1, 2)
    bpy.context.view_layer.update()
    (body,) = armature.children
    assert world_vertices(scene, body)[:, 2].min() == pytest.approx(0.5, abs=1e-4)
    assert [member.character for member in scene.isa.cast] == [armature]
    menu = SimpleNamespace(layout=MagicMock())
    draw_in_add_menu(menu, bpy.context)
    menu.layout.operator.assert_called_once()


def test_a_body_that_cannot_be_read_is_said_and_adds_nothing(scene, tmp_path):
    with pytest.raises(RuntimeError, match=r"gone\.npz"):
        bpy.ops.isa.add_character(body=str(tmp_path / "gone.npz"))
    assert not scene.objects


def test_a_motion_is_keyed_on_the_active_character(scene, tmp_path):
    armature = add_person(motion=random_motion(seed=1))
    path = tmp_path / "walk.npz"
    write_motion(random_motion(frames=6, seed=2), path)
    bpy.context.view_layer.objects.active = armature.children[0]
    assert bpy.ops.isa.import_motion(filepath=str(path), start_frame=10) == {"FINISHED"}
    assert tuple(armature.animation_data.action.frame_range) == (10, 15)


def test_a_motion_needs_a_character_and_a_file_that_is_one(scene, tmp_path):
    assert not bpy.ops.isa.import_motion.poll()
    armature = add_person()
    action = armature.animation_data.action
    (tmp_path / "walk.bvh").write_text("no motion")
    with pytest.raises(RuntimeError, match=r"walk\.bvh"):
        bpy.ops.isa.import_motion(filepath=str(tmp_path / "walk.bvh"))
    assert armature.animation_data.action == action


def test_the_cast_follows_the_scene_and_keeps_its_pictures(scene):
    anna = stage(scene)
    refresh_cast(scene)
    scene.isa.cast[0].picture = "//anna.png"
    ben = add_person("Ben")
    refresh_cast(scene)
    assert [member.character for member in scene.isa.cast] == [anna, ben]
    anna.name = "Zoe"
    ben.hide_render = True
    ben.children[0].hide_render = True
    refresh_cast(scene)
    assert [(member.character.name, member.shown) for member in scene.isa.cast] == [
        ("Zoe", True),
        ("Ben", False),
    ]
    assert scene.isa.cast[0].picture == "//anna.png"
    bpy.data.objects.remove(ben)
    refresh_cast(scene)
    assert [member.character for member in scene.isa.cast] == [anna]


def test_the_cast_is_looked_for_again_only_when_the_scene_holds_something_else(scene):
    handler = importlib.import_module("isa_blender_addon.operators.cast.refresh_cast")

    def looks() -> bool:
        handler._on_change(scene)
        asked = bpy.app.timers.is_registered(handler._refresh)
        if asked:
            bpy.app.timers.unregister(handler._refresh)
            handler._refresh()
        return asked

    looks()
    assert not looks()
    anna = stage(scene)
    assert looks()
    assert [member.character for member in scene.isa.cast] == [anna]
    anna.location.x += 1
    bpy.context.view_layer.update()
    assert not looks()
    for item in (*anna.children, anna):
        bpy.data.objects.remove(item)
    assert looks()
    assert not scene.isa.cast


def test_who_is_left_out_of_the_cast_is_left_out_of_the_shot(scene):
    anna = stage(scene)
    add_person("Ben")
    refresh_cast(scene)
    scene.isa.cast[1].include = False
    scene.isa.cast[0].picture, scene.isa.cast[0].pose, scene.isa.cast[0].frame = "//a.png", "FRAME", 5
    scene.isa.cast[1].picture = "//b.png"
    assert [member.character for member in playing(scene)] == [anna]
    ((name, reference),) = references(scene).items()
    assert (name, reference.path, reference.frame) == ("Anna", "//a.png", 5)
    scene.isa.cast[1].include = True
    assert len(playing(scene)) == 2
    assert references(scene)["Ben"].frame is None


def test_who_is_in_the_cast_by_the_artists_word_alone_can_leave_and_return(scene):
    mesh = bpy.data.objects.new("Suit", bpy.data.meshes.new("Suit"))
    armature = bpy.data.objects.new("Robot", bpy.data.armatures.new("Robot"))
    mesh.modifiers.new("Armature", "ARMATURE").object = armature
    for item in (mesh, armature):
        scene.collection.objects.link(item)
    armature["isa_cast"] = True
    for included in (True, False, True):
        refresh_cast(scene)
        scene.isa.cast[0].include = included
        refresh_cast(scene)
        assert len(playing(scene)) == included


def test_the_demo_comes_in_a_scene_of_its_own_ready_to_generate(scene):
    add_camera(scene)
    before = list(scene.objects)
    assert bpy.ops.isa.add_demo_scene() == {"FINISHED"}
    demo = bpy.context.scene
    assert demo != scene
    assert list(scene.objects) == before
    assert len(references(demo)) == 2
    assert demo.isa.background == "RENDER", "the ground that moves under the camera is its own"
    assert demo.render.resolution_percentage == 100
    assert all(thumbnail(member.picture) is not None for member in demo.isa.cast)


def test_whoever_moves_in_the_demo_is_looked_up_where_its_picture_shows_them(scene):
    assert bpy.ops.isa.add_demo_scene() == {"FINISHED"}
    scene.frame_end = 2
    staged = [character.reference for character in read(scene)]
    for name in ("Anna", "Ben", "Camera target"):
        scene.objects[name].location.x += 0.7
    moved = read(scene)
    for before, character in zip(staged, moved, strict=True):
        assert np.abs(character.points[0] - before.points).max() > 0.6
        np.testing.assert_array_equal(character.reference.points, before.points)
        np.testing.assert_array_equal(character.reference.mvp, before.mvp)
    assert {item.name for item in bpy.data.objects} == {
        item.name for item in scene.collection.children["ISA demo"].objects
    }


def read(scene):
    return capture_shot(scene, generation_settings(scene), references(scene)).characters
