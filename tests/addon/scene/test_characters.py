"""Who is in the cast."""

import bpy
import numpy as np
import pytest

from isa_blender_addon.scene.characters import find_characters, set_cast
from isa_blender_addon.scene.surface import surfaces
from isa_engine.errors import SceneError
from tests.addon.scenes.cast import add_person, make_meshcapade, make_mpi


def names(scene):
    return [character.name for character in find_characters(scene) if character.included]


def cube(scene, name="Cube"):
    item = bpy.data.objects.new(name, bpy.data.meshes.new(name))
    item.data.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)], [], [(0, 1, 2), (0, 1, 3)])
    scene.collection.objects.link(item)
    return item


def skinned_tube(scene):
    """A skinned mesh that is no SMPL-X body."""
    rig = bpy.data.objects.new("Robot", bpy.data.armatures.new("Robot"))
    scene.collection.objects.link(rig)
    item = cube(scene, "Robot skin")
    item.modifiers.new("Armature", "ARMATURE").object = rig
    return rig, item


def test_a_rig_is_known_by_property_else_by_bones(scene):
    add_person("Anna")
    make_mpi(add_person("Ben"))
    make_meshcapade(add_person("Carla"))
    cast = find_characters(scene)
    assert [(c.name, c.recognised_by, c.gender) for c in cast] == [
        ("Anna", "property", "neutral"),
        ("Ben", "bones", "female"),
        ("Carla", "bones", ""),
    ]
    assert all(c.mesh.parent == c.armature and c.included for c in cast)


@pytest.mark.parametrize("gender", ["female", "male", "neutral"])
def test_gender_is_read_from_a_suffixed_name(scene, gender):
    make_mpi(add_person("Anna")).children[0].name = f"SMPLX-mesh-{gender}.001"
    assert find_characters(scene)[0].gender == gender


def test_other_objects_are_no_characters(scene):
    cube(scene)
    skinned_tube(scene)
    assert find_characters(scene) == []


def test_the_artist_takes_a_skinned_mesh_in_and_leaves_a_character_out(scene):
    anna = add_person("Anna")
    rig, skin = skinned_tube(scene)
    for owner in (rig, skin):
        set_cast(scene, owner, True)
        assert names(scene) == ["Anna", "Robot"]
        assert find_characters(scene)[1].recognised_by == "override"
        set_cast(scene, owner, None)
    for owner in (anna, anna.children[0]):
        set_cast(scene, owner, False)
        assert names(scene) == []
        assert len(find_characters(scene)) == 1
        set_cast(scene, owner, None)
    assert names(scene) == ["Anna"]


def test_of_several_meshes_on_a_rig_the_body_is_the_character(scene):
    anna = make_mpi(add_person("Anna"))
    body = anna.children[0]
    shirt = body.copy()
    shirt.name = "SMPLX-mesh-neutral shirt"
    scene.collection.objects.link(shirt)
    for group in [g for g in shirt.vertex_groups if "spine" not in g.name]:
        shirt.vertex_groups.remove(group)
    (character,) = find_characters(scene)
    assert character.mesh == body


def hide_from_render(mesh, layer):
    mesh.hide_render = True


def exclude_collection(mesh, layer):
    layer.exclude = True


def hide_collection_from_render(mesh, layer):
    layer.collection.hide_render = True


def hold_out(mesh, layer):
    mesh.is_holdout = True


def hold_out_collection(mesh, layer):
    layer.holdout = True


def show_indirectly_only(mesh, layer):
    layer.indirect_only = True


@pytest.mark.parametrize(
    "hide",
    [
        hide_from_render,
        exclude_collection,
        hide_collection_from_render,
        hold_out,
        hold_out_collection,
        show_indirectly_only,
    ],
)
def test_what_the_render_does_not_show_stays_out(scene, hide):
    crowd = bpy.data.collections.new("Crowd")
    scene.collection.children.link(crowd)
    anna = add_person("Anna")
    for item in (anna, anna.children[0]):
        crowd.objects.link(item)
        scene.collection.objects.unlink(item)
    assert names(scene) == ["Anna"]
    hide(anna.children[0], bpy.context.view_layer.layer_collection.children["Crowd"])
    assert names(scene) == []


def test_a_character_in_a_shown_and_a_hidden_collection_is_shown(scene):
    anna = add_person("Anna")
    hidden = bpy.data.collections.new("Hidden")
    scene.collection.children.link(hidden)
    hidden.objects.link(anna.children[0])
    hidden.hide_render = True
    assert names(scene) == ["Anna"]


def test_the_eye_icon_and_a_hidden_armature_do_not_matter(scene):
    """As for the render; and the mesh is evaluated all the same."""
    anna = add_person("Anna")
    anna.hide_render = True
    scene.frame_set(1)
    (surface,) = surfaces(find_characters(scene), scene)
    shown = [frame_points(scene, surface, frame) for frame in (1, 4)]
    anna.children[0].hide_set(True)
    anna.hide_set(True)
    assert names(scene) == ["Anna"]
    hidden = [frame_points(scene, surface, frame) for frame in (1, 4)]
    np.testing.assert_array_equal(hidden, shown)
    assert np.abs(shown[1] - shown[0]).max() > 0.01


def frame_points(scene, surface, frame):
    scene.frame_set(frame)
    return surface.points()


def test_a_mesh_without_skin_is_a_sentence(scene):
    set_cast(scene, cube(scene), True)
    with pytest.raises(SceneError, match=r"'Cube' is no SMPL-X character and no skinned mesh\. Take it out"):
        find_characters(scene)


def test_an_armature_without_mesh_is_a_sentence(scene):
    rig, skin = skinned_tube(scene)
    bpy.data.objects.remove(skin)
    set_cast(scene, rig, True)
    with pytest.raises(SceneError, match=r"'Robot' poses no mesh\. Give it"):
        find_characters(scene)


def test_a_mesh_without_faces_is_a_sentence(scene):
    rig, skin = skinned_tube(scene)
    skin.data.clear_geometry()
    set_cast(scene, rig, True)
    with pytest.raises(SceneError, match=r"'Robot' has no surface\. Take it out"):
        surfaces(find_characters(scene), scene)
