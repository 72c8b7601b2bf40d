"""What the artist says of people from a library file is kept with the scene."""

import bpy
import pytest

from isa_blender_addon.scene.characters import CAST_PROPERTY, find_characters
from isa_blender_addon.settings.cast import playing, references, refresh_cast
from tests.addon.scenes.cast import add_person

pytestmark = pytest.mark.usefixtures("addon")


@pytest.fixture(params=["linked", "overridden"])
def from_file(request, scene, tmp_path):
    """Anna and Ben from a library, in whose file Ben is left out; in a scene that can be saved."""
    people = bpy.data.collections.new("People")
    for name in ("Anna", "Ben"):
        person = add_person(name)
        for item in (person, *person.children):
            people.objects.link(item)
    person[CAST_PROPERTY] = False
    library = tmp_path / "people.blend"
    bpy.data.libraries.write(str(library), {people})
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(str(library), link=True) as (_, target):
        target.collections = ["People"]
    (people,) = target.collections
    scene = bpy.context.scene
    scene.collection.children.link(people)
    if request.param == "overridden":
        people.override_hierarchy_create(scene, bpy.context.view_layer)
        scene.collection.children.unlink(people)
    refresh_cast(scene)
    return tmp_path / "shot.blend"


def reopened(file):
    bpy.ops.wm.save_as_mainfile(filepath=str(file))
    bpy.ops.wm.open_mainfile(filepath=str(file))
    refresh_cast(bpy.context.scene)
    return bpy.context.scene


def included(scene) -> list[str]:
    """By the list, and by what is read."""
    read = [character for character in find_characters(scene) if character.included]
    assert sorted(member.character.name_full for member in playing(scene)) == [c.name for c in read]
    return [character.armature.name for character in read]


def test_who_is_left_out_or_taken_in_stays_so_in_the_file(from_file):
    scene = reopened(from_file)
    assert included(scene) == ["Anna"]
    for member in scene.isa.cast:
        member.include = member.character.name == "Ben"
        member.picture = f"//{member.character.name}.png"
    scene = reopened(from_file)
    assert included(scene) == ["Ben"]
    pictures = {member.character.name: member.picture for member in scene.isa.cast}
    assert pictures == {"Anna": "//Anna.png", "Ben": "//Ben.png"}


def test_a_word_goes_with_its_character(from_file):
    scene = bpy.context.scene
    for member in scene.isa.cast:
        member.include = False
    bpy.data.objects.remove(next(m.character for m in scene.isa.cast if m.character.name == "Anna"))
    refresh_cast(scene)
    scene.isa.cast[0].include = True
    assert [word["character"].name for word in scene[CAST_PROPERTY]] == ["Ben"]


@pytest.mark.parametrize("from_file", ["linked"], indirect=True)
def test_a_linked_character_and_a_local_one_of_its_name_are_two(from_file, tmp_path):
    scene = bpy.context.scene
    theirs = next(member.character for member in scene.isa.cast if member.character.name == "Anna")
    own = add_person("Anna")
    refresh_cast(scene)
    names = [character.name for character in find_characters(scene)]
    assert sorted(name for name in names if name.startswith("Anna")) == ["Anna", theirs.name_full]
    for character, picture in ((theirs, "theirs.png"), (own, "own.png")):
        bpy.data.images.new("pixel", 8, 8).save(filepath=str(tmp_path / picture))
        bpy.ops.isa.choose_picture(filepath=str(tmp_path / picture), character=character.name_full)
    assert {m.character: m.picture.rpartition("/")[2] for m in playing(scene)} == {
        theirs: "theirs.png",
        own: "own.png",
    }
    assert references(scene).keys() == {"Anna", theirs.name_full}
    bpy.ops.isa.leave_out(character=theirs.name_full)
    assert [member.character for member in playing(scene)] == [own]
