"""A scene that is copied with its plate: what one of the two shows then changes nothing of the other."""

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view

from isa_blender_addon import plate
from isa_blender_addon.plate import camera_plane
from isa_blender_addon.plate.camera_plane import planes
from tests.addon.plates import add_camera, shot_of, write_movie

FIRST, SECOND = range(1, 5), range(3, 7)
DEFAULT, PEOPLE = {"PLANE", "BACKGROUND"}, {"COMPOSITOR"}


@pytest.fixture(scope="module")
def takes(tmp_path_factory):
    """Three folders of results."""
    folders = [tmp_path_factory.mktemp(f"take-{number}") for number in (1, 2, 3)]
    for seed, folder in enumerate(folders):
        for name in ("plate.mp4", "matte.mp4"):
            write_movie(folder / name, 4, 32, 32, seed)
    return [folder.resolve() for folder in folders]


@pytest.fixture
def original(scene):
    add_camera(scene)
    scene.frame_end = 4
    return scene


def copied(kind: str):
    bpy.ops.scene.new(type=kind)
    return bpy.context.scene


def shown(scene) -> set:
    """The folders, and the frames at which what is drawn begins."""
    users = [node.image_user for plane in planes(scene) for node in camera_plane._movie_nodes(plane)]
    users += [background.image_user for background in plate.background_image.backgrounds(scene)]
    group = plate.people._group_node(scene)
    users += [group.node_tree.nodes["Plate"]] if group else []
    return {file.parent for file in plate.files(scene)} | {user.frame_start for user in users}


@pytest.mark.parametrize("first", ["original", "copy"])
@pytest.mark.parametrize("kinds", [DEFAULT, PEOPLE, {"BACKGROUND"}])
def test_after_a_full_copy_each_scene_shows_its_own_take(original, takes, kinds, first):
    plate.import_plate(original, takes[0], shot_of(FIRST), kinds)
    copy = copied("FULL_COPY")
    one, other = (original, copy) if first == "original" else (copy, original)
    plate.import_plate(one, takes[1], shot_of(SECOND), kinds)
    assert (shown(one), shown(other)) == ({takes[1], 3}, {takes[0], 1})
    plate.import_plate(other, takes[2], shot_of(FIRST), kinds)
    assert (shown(one), shown(other)) == ({takes[1], 3}, {takes[2], 1})
    assert plate.troubles(one) == plate.troubles(other) == []
    plate.import_plate(one, takes[1], shot_of(SECOND), set())
    assert (shown(one), shown(other)) == (set(), {takes[2], 1})


@pytest.mark.parametrize("kinds", [DEFAULT, PEOPLE])
def test_after_a_linked_copy_each_scene_shows_its_own_take_once_it_has_one(original, takes, kinds):
    plate.import_plate(original, takes[0], shot_of(FIRST), kinds)
    copy = copied("LINK_COPY")
    plate.import_plate(copy, takes[1], shot_of(SECOND), kinds)
    assert (shown(copy), shown(original)) == ({takes[1], 3}, {takes[0], 1})
    plate.import_plate(original, takes[2], shot_of(FIRST), kinds)
    assert (shown(copy), shown(original)) == ({takes[1], 3}, {takes[2], 1})
    if kinds == DEFAULT:
        for scene, other in ((original, copy), (copy, original)):
            (trouble,) = plate.troubles(scene)
            assert trouble.startswith(f"Camera 'Camera' shoots scene '{other.name}' too")


def test_scenes_that_share_a_camera_and_show_their_plates_behind_it_alone_keep_a_take_each(original, takes):
    plate.import_plate(original, takes[0], shot_of(FIRST), {"BACKGROUND"})
    copy = copied("LINK_COPY")
    assert shown(copy) == shown(original) == {takes[0], 1}
    for take in takes[1:]:
        plate.import_plate(copy, take, shot_of(SECOND), {"BACKGROUND"})
        assert (shown(copy), shown(original)) == ({take, 3}, {takes[0], 1})
    assert plate.troubles(original) == []
    (trouble,) = plate.troubles(copy)
    assert trouble.startswith(f"Camera 'Camera' shoots scene '{original.name}' too")
    plate.import_plate(copy, takes[1], shot_of(SECOND), {"STRIP"})
    assert takes[0] in shown(original)
    bpy.data.scenes.remove(original)
    plate.import_plate(copy, takes[1], shot_of(SECOND), {"BACKGROUND"})
    assert shown(copy) == {takes[1], 3}
    assert plate.troubles(copy) == [] == planes(copy)


def test_a_linked_copy_that_has_no_take_follows_its_original_and_nothing_is_wrong(original, takes):
    plate.import_plate(original, takes[0], shot_of(FIRST), DEFAULT)
    copy = copied("LINK_COPY")
    plate.import_plate(original, takes[1], shot_of(FIRST), DEFAULT)
    assert shown(copy) == shown(original) == {takes[1], 1}
    assert plate.troubles(copy) == plate.troubles(original) == []


def test_the_plane_of_a_copy_fills_the_frame_of_the_copy_and_keeps_what_the_artist_made_of_it(
    original, takes
):
    plate.import_plate(original, takes[0], shot_of(FIRST), DEFAULT)
    (plane,) = planes(original)
    plane.active_material.node_tree.nodes["Emission"].label = "mine"
    copy = copied("FULL_COPY")
    plate.import_plate(copy, takes[1], shot_of(FIRST), DEFAULT)
    copy.render.resolution_x, copy.render.resolution_y = 300, 500
    bpy.context.view_layer.update()
    (plane,) = planes(copy)
    seen = plane.evaluated_get(bpy.context.view_layer.depsgraph)
    corners = [world_to_camera_view(copy, copy.camera, seen.matrix_world @ v.co) for v in seen.data.vertices]
    assert np.allclose(np.array(corners)[:, :2], [(0, 0), (1, 0), (1, 1), (0, 1)], atol=1e-5)
    for scene in (original, copy):
        (plane,) = planes(scene)
        assert plane.active_material.node_tree.nodes["Emission"].label == "mine"


def test_where_no_camera_can_hold_the_image_none_is_left_behind(original, takes):
    """One that nothing shows would keep the take from being deleted."""
    plate.import_plate(original, takes[0], shot_of(FIRST), DEFAULT)
    copy = copied("LINK_COPY")
    plate.import_plate(copy, takes[1], shot_of(FIRST), DEFAULT)
    assert [image.name for image in bpy.data.images if not image.users] == []
