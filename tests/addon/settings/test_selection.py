"""The cast list and the viewport speak of the same character; one that is added or removed is so whole."""

import bpy
import pytest

from isa_blender_addon.matching.ghost import make_ghost
from isa_blender_addon.settings import selection
from isa_blender_addon.settings.cast import cast_member, refresh_cast
from tests.addon.plates import inventory
from tests.addon.scenes.cast import add_person, world_vertices
from tests.pipeline.shots import picture


@pytest.fixture
def cast(scene, addon):
    """Anna and Ben in the cast, Ben active."""
    anna, ben = add_person("Anna"), add_person("Ben")
    refresh_cast(scene)
    return anna, ben


def act(item) -> None:
    """Click an object in the viewport."""
    for other in bpy.context.selected_objects:
        other.select_set(False)
    item.select_set(True)
    bpy.context.view_layer.objects.active = item
    selection._follow()


def row(scene) -> str:
    return scene.isa.cast[scene.isa.cast_index].character.name


def test_a_row_that_is_clicked_selects_its_character(scene, cast):
    anna, ben = cast
    scene.isa.cast_index = 0
    assert bpy.context.view_layer.objects.active == anna
    assert list(bpy.context.selected_objects) == [anna]
    scene.isa.cast_index = 1
    assert bpy.context.view_layer.objects.active == ben


def test_a_character_that_is_clicked_is_the_active_row(scene, cast, tmp_path):
    anna, ben = cast
    (tmp_path / "anna.png").write_bytes(picture(30, 40))
    scene.isa.cast[0].picture = str(tmp_path / "anna.png")
    make_ghost(scene, scene.isa.cast[0])
    for item, name in (
        (ben, "Ben"),
        (anna.children[0], "Anna"),
        (ben, "Ben"),
        (scene.isa.cast[0].ghost, "Anna"),
    ):
        act(item)
        assert row(scene) == name
        # The list follows the view, and does not lead it elsewhere.
        assert bpy.context.view_layer.objects.active == item


def test_a_row_takes_nobody_out_of_the_pose_they_work_on(scene, cast):
    _, ben = cast
    act(ben)
    bpy.ops.object.mode_set(mode="POSE")
    scene.isa.cast_index = 0
    assert bpy.context.view_layer.objects.active == ben
    assert ben.mode == "POSE"
    bpy.ops.object.mode_set(mode="OBJECT")


def test_looking_for_characters_selects_nobody(scene, cast):
    anna, ben = cast
    act(ben)
    bpy.data.objects.remove(anna.children[0])
    refresh_cast(scene)
    assert row(scene) == "Ben"
    assert bpy.context.view_layer.objects.active == ben


def test_newcomers_stand_beside_each_other_on_the_ground_and_are_active(scene, cast):
    for name in ("Cleo", "Dan", "Eve"):
        assert bpy.ops.isa.add_character(name=name) == {"FINISHED"}
        assert row(scene) == name
        assert bpy.context.view_layer.objects.active == scene.objects[name]
    bpy.context.view_layer.update()
    bodies = [world_vertices(scene, scene.objects[name].children[0]) for name in ("Cleo", "Dan", "Eve")]
    places = [body.mean(0) for body in bodies]
    for body in bodies:
        assert abs(body[:, 2].min()) < 1e-4
    for k in (0, 1):
        assert abs(places[k + 1][0] - places[k][0]) > 0.6


def test_a_character_that_is_removed_leaves_nothing_behind(scene, cast, tmp_path):
    before = inventory()
    eve = add_person("Eve")
    shirt = eve.children[0].copy()
    shirt.data = shirt.data.copy()
    scene.collection.objects.link(shirt)
    refresh_cast(scene)
    (tmp_path / "eve.png").write_bytes(picture(30, 40))
    member = cast_member(scene, "Eve")
    member.picture = str(tmp_path / "eve.png")
    make_ghost(scene, member)
    assert bpy.ops.isa.remove_character(character="Eve") == {"FINISHED"}
    assert [member.character.name for member in scene.isa.cast] == ["Anna", "Ben"]
    after = inventory()
    for kind in ("objects", "meshes", "cameras"):
        assert after[kind] == before[kind], kind


def test_in_another_scene_the_character_stays(scene, cast):
    anna, _ = cast
    other = bpy.data.scenes.new("Other")
    for item in (anna, *anna.children):
        other.collection.objects.link(item)
    assert bpy.ops.isa.remove_character(character="Anna") == {"FINISHED"}
    assert "Anna" not in scene.objects
    assert {item.name for item in other.objects} >= {"Anna"}
