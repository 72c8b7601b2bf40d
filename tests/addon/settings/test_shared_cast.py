"""Scenes of one file that share their people: each has a cast of its own."""

import bpy
import pytest

from isa_blender_addon.settings.cast import playing, refresh_cast
from isa_blender_addon.settings.shot import generation_settings
from tests.addon.scenes.cast import add_person, stage
from tests.addon.scenes.shot import capture_shot

pytestmark = pytest.mark.usefixtures("addon")


@pytest.fixture
def scenes(scene):
    """Two scenes with Anna, Ben and a camera."""
    stage(scene, frames=2)
    add_person("Ben").location.x = 1
    other = bpy.data.scenes.new("Other")
    for item in scene.objects:
        other.collection.objects.link(item)
    other.camera, other.frame_end = scene.camera, 2
    for each in (scene, other):
        refresh_cast(each)
    return scene, other


def read(scene) -> list[str]:
    shot = capture_shot(scene, generation_settings(scene))
    names = [character.name for character in shot.characters]
    assert sorted(member.character.name for member in playing(scene)) == names
    return names


def tick(scene, name: str, value: bool) -> None:
    next(member for member in scene.isa.cast if member.character.name == name).include = value


def test_who_is_left_out_of_one_scene_plays_on_in_the_other(scenes):
    one, other = scenes
    tick(other, "Anna", False)
    assert (read(one), read(other)) == (["Anna", "Ben"], ["Ben"])
    tick(one, "Ben", False)
    tick(other, "Anna", True)
    assert (read(one), read(other)) == (["Anna"], ["Anna", "Ben"])


def test_who_was_left_out_before_a_second_scene_came_can_play_in_that_alone(scenes):
    one, other = scenes
    bpy.data.scenes.remove(other)
    tick(one, "Anna", False)
    bpy.context.window.scene = one
    bpy.ops.scene.new(type="LINK_COPY")
    copy = bpy.context.scene
    refresh_cast(copy)
    assert (read(one), read(copy)) == (["Ben"], ["Ben"])
    tick(copy, "Anna", True)
    assert (read(one), read(copy)) == (["Ben"], ["Anna", "Ben"])


def test_a_scene_that_is_left_alone_with_its_people_still_has_its_word_and_can_take_it_back(scenes):
    one, other = scenes
    tick(one, "Anna", False)
    bpy.data.scenes.remove(other)
    assert read(one) == ["Ben"]
    tick(one, "Anna", True)
    assert read(one) == ["Anna", "Ben"]
