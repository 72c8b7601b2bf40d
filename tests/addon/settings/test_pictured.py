"""Pictures made of the scene itself: the cast is known as it stood in them, whoever moves afterwards."""

import shutil

import bpy
import numpy as np
import pytest
from PIL import Image

from isa_blender_addon.preflight.glance import glance
from isa_blender_addon.settings.cast import cast_member, picture_cast, references, refresh_cast
from isa_blender_addon.settings.shot import generation_settings
from isa_blender_addon.takes.folders import made_output_folder
from isa_blender_addon.ui.matching import match_word
from isa_engine.errors import SceneError
from isa_engine.geometry.ndc import project
from tests.addon.scenes.cast import add_camera, add_person, random_motion, stage
from tests.addon.scenes.shot import capture_shot
from tests.addon.scenes.snapshot import snapshot

pytestmark = pytest.mark.usefixtures("addon")


def read(scene):
    return capture_shot(scene, generation_settings(scene), references(scene))


def stances(shot) -> dict:
    """How each character stands in its picture: places on it, and which of them the camera sees."""
    return {c.name: project(c.reference.points.astype(np.float64), c.reference.mvp) for c in shot.characters}


def assert_stand_as(shot, before, exactly=True) -> None:
    wanted = stances(before)
    for name, (ndc, in_front) in stances(shot).items():
        assert (in_front == wanted[name][1]).all()
        if exactly:
            np.testing.assert_array_equal(ndc, wanted[name][0])
        else:
            np.testing.assert_allclose(ndc[:, :2], wanted[name][0][:, :2], atol=1e-4)


def in_words(scene) -> list[str]:
    return [match_word(scene, member)[0] for member in scene.isa.cast]


@pytest.fixture
def staged(scene):
    """Anna and Ben under a moving camera."""
    stage(scene)
    add_person("Ben", random_motion(seed=3)).location.x = 1
    scene.render.resolution_percentage = 20
    return scene


@pytest.fixture
def pictured(staged, tmp_path):
    """They have a picture of their first frame."""
    picture_cast(staged, 1, tmp_path / "first.png")
    return staged


def test_they_stand_as_at_the_pictures_frame(staged, tmp_path):
    picture_cast(staged, 3, tmp_path / "third.png")
    shot = read(staged)
    for character in shot.characters:
        np.testing.assert_array_equal(character.reference.points, character.points[2])
        np.testing.assert_array_equal(character.reference.mvp, shot.mvp[2])
    assert shot.frame_reference == 0
    assert Image.open(tmp_path / "third.png").size == (64, 36)
    assert glance(staged, None) == []
    assert in_words(staged) == ["as pictured", "as pictured"]


def move_person(scene):
    scene.objects["Anna"].location.x += 1.5


def move_everybody_by_a_parent(scene):
    parent = bpy.data.objects.new("Stage", None)
    scene.collection.objects.link(parent)
    for name in ("Anna", "Ben"):
        scene.objects[name].parent = parent
    parent.location, parent.rotation_euler.z = (2, 1, 0), 1


def give_another_motion(scene):
    scene.objects["Anna"].animation_data_clear()
    scene.objects["Anna"].pose.bones["left_shoulder"].rotation_quaternion = 0.7, 0, 0, 0.7


def take_another_camera(scene):
    camera = scene.camera = scene.camera.copy()
    scene.collection.objects.link(camera)
    camera.animation_data_clear()
    camera.data.lens, camera.location.y, camera.rotation_euler.z = 80, -9, 0.1


def change_the_frame_range(scene):
    scene.frame_start, scene.frame_end = 3, 5


@pytest.mark.parametrize(
    "change",
    [
        move_person,
        move_everybody_by_a_parent,
        give_another_motion,
        take_another_camera,
        change_the_frame_range,
    ],
)
def test_whoever_moves_afterwards_is_sought_where_the_picture_shows_them(pictured, change):
    before = read(pictured)
    change(pictured)
    after = read(pictured)
    first, now = before.characters[0].points[0], after.characters[0].points[0]
    assert change is take_another_camera or np.abs(now - first).max() > 0.1, "somebody has moved"
    assert_stand_as(after, before)
    assert after.references == before.references
    assert after.frame_reference == 0
    assert glance(pictured, None) == []


def test_the_scene_is_as_it_was_but_for_what_the_cast_remembers(staged, tmp_path):
    staged.frame_set(2)
    refresh_cast(staged)
    before = snapshot()
    picture_cast(staged, 3, tmp_path / "third.png")
    after = snapshot()
    kept = {block for block in after["blocks"] if "as pictured" in block}
    assert len(kept) == 2
    for block in kept:
        del after["blocks"][block]
    assert after == before
    assert all(
        not mesh.materials and mesh.name not in staged.objects
        for mesh in bpy.data.meshes
        if not mesh.polygons
    )


def kept() -> list[str]:
    return [mesh.name for mesh in bpy.data.meshes if not mesh.polygons]


def test_nothing_is_kept_of_who_is_removed(pictured):
    assert kept() == ["Anna as pictured", "Ben as pictured"]
    assert bpy.ops.isa.remove_character(character="Anna") == {"FINISHED"}
    assert kept() == ["Ben as pictured"]
    bpy.data.objects.remove(pictured.objects["Ben"])
    refresh_cast(pictured)
    assert kept() == []


def test_it_survives_saving(pictured, tmp_path):
    before = read(pictured)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    scene = bpy.context.scene
    move_person(scene)
    assert_stand_as(read(scene), before)
    assert in_words(scene) == ["as pictured", "as pictured"]


def choose(picture, character="Anna") -> None:
    assert bpy.ops.isa.choose_picture(filepath=str(picture), character=character) == {"FINISHED"}


def test_another_picture_shows_the_first_frame_until_it_is_said_otherwise(pictured, tmp_path):
    shutil.copy(tmp_path / "first.png", tmp_path / "photo.png")
    choose(tmp_path / "photo.png")
    assert in_words(pictured) == ["first frame", "as pictured"]
    shot = read(pictured)
    np.testing.assert_array_equal(shot.characters[0].reference.points, shot.characters[0].points[0])
    choose(tmp_path / ".." / tmp_path.name / "first.png")
    assert in_words(pictured) == ["as pictured", "as pictured"], "it is the same picture again"


def test_another_picture_whose_path_was_typed_is_not_taken_for_it(pictured, tmp_path):
    shutil.copy(tmp_path / "first.png", tmp_path / "photo.png")
    cast_member(pictured, "Anna").picture = str(tmp_path / "photo.png")
    assert in_words(pictured) == ["not matched", "as pictured"]
    (finding,) = glance(pictured, None)
    assert finding.sentence == "Anna is not matched to the reference picture."
    assert finding.is_mended_by("isa.match_reference", {"character": "Anna"})


def test_the_file_may_be_saved_elsewhere_and_moved_about(pictured, tmp_path):
    before = read(pictured)
    for place in ("shots/a.blend", "elsewhere/b.blend"):
        file = tmp_path / place
        file.parent.mkdir()
        bpy.ops.wm.save_as_mainfile(filepath=str(file))
        choose(tmp_path / "first.png")
        (member, _) = bpy.context.scene.isa.cast
        assert member.picture.startswith("//")
        assert in_words(bpy.context.scene) == ["as pictured", "as pictured"]
    bpy.ops.wm.open_mainfile(filepath=str(file))
    move_person(bpy.context.scene)
    assert_stand_as(read(bpy.context.scene), before)


def test_it_goes_with_the_picture_to_the_files_folder_and_wherever_that_is_moved(staged, tmp_path):
    picture_cast(staged, 1, made_output_folder(staged) / "demo-reference.png")
    before = read(staged)
    bpy.ops.ed.undo_push(message="pictured")
    (tmp_path / "work").mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "work" / "shot.blend"))
    assert [member.picture for member in staged.isa.cast] == ["//isa/demo-reference.png"] * 2
    assert in_words(staged) == ["as pictured", "as pictured"]
    move_person(staged)
    bpy.ops.ed.undo_push(message="moved")
    bpy.ops.ed.undo()
    assert in_words(bpy.context.scene) == ["as pictured", "as pictured"]
    (tmp_path / "work").rename(tmp_path / "done")
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "done" / "shot.blend"))
    scene = bpy.context.scene
    assert in_words(scene) == ["as pictured", "as pictured"]
    move_person(scene)
    assert_stand_as(read(scene), before)


def test_a_picture_that_is_made_anew_shows_them_as_they_stand_now(pictured, tmp_path):
    move_person(pictured)
    picture_cast(pictured, 1, tmp_path / "first.png")
    shot = read(pictured)
    np.testing.assert_array_equal(shot.characters[0].reference.points, shot.characters[0].points[0])
    assert len(kept()) == 2


def test_a_body_that_is_modified_afterwards_stands_where_it_stood(pictured):
    before = read(pictured)
    (body,) = pictured.objects["Anna"].children
    body.modifiers.new("Subdivision", "SUBSURF").render_levels = 1
    move_person(pictured)
    assert_stand_as(read(pictured), before)


def test_a_body_that_is_modified_as_its_picture_is_made_stands_as_it_is_rendered(staged, tmp_path):
    (body,) = staged.objects["Anna"].children
    body.modifiers.new("Subdivision", "SUBSURF").render_levels = 1
    picture_cast(staged, 3, tmp_path / "third.png")
    shot = read(staged)
    for character in shot.characters:
        np.testing.assert_array_equal(character.reference.points, character.points[2])


def more_vertices(body):
    body.shape_key_clear()
    body.data.vertices.add(1)
    body.data.update()


def twice(body):
    body.modifiers.new("Array", "ARRAY")


@pytest.mark.parametrize("change", [more_vertices, twice])
def test_a_body_that_is_another_by_now_is_named_with_what_to_do(pictured, change):
    (body,) = pictured.objects["Anna"].children
    change(body)
    with pytest.raises(SceneError, match=r"'Anna' has other vertices than .* posed as at a frame"):
        read(pictured)
    cast_member(pictured, "Anna").pose = "FIRST"
    assert read(pictured).characters[0].reference is not None


@pytest.mark.parametrize("told", [{"world": [1.0]}, {"world": "here", "camera": 3}, "nothing"])
def test_a_damaged_one_is_none(pictured, told):
    bpy.data.meshes["Anna as pictured"]["isa_stance"] = told
    assert in_words(pictured) == ["not matched", "as pictured"]
    assert "Anna is not matched to the reference picture." in {
        each.sentence for each in glance(pictured, None)
    }
    assert read(pictured).characters[0].reference is not None


def test_a_picture_of_another_shape_than_was_made_is_named(pictured, tmp_path):
    Image.new("RGB", (40, 40)).save(tmp_path / "first.png")
    assert all("another shape" in finding.sentence for finding in glance(pictured, None))
    assert len(glance(pictured, None)) == 2


def test_the_renders_shape_may_change_after_it_was_made(pictured):
    before = read(pictured)
    pictured.render.resolution_x, pictured.render.resolution_y = 300, 300
    assert glance(pictured, None) == []
    assert_stand_as(read(pictured), before)


@pytest.mark.parametrize("later", [False, True])
def test_the_scenes_unit_does_not_matter(staged, tmp_path, later):
    """As a scene that is made in centimetres, or becomes one afterwards."""

    def enlarge():
        empty = bpy.data.objects.new("All", None)
        empty.scale = (100,) * 3
        staged.collection.objects.link(empty)
        for item in staged.objects:
            if item.parent is None and item != empty:
                item.parent = empty
        staged.unit_settings.scale_length = 0.01
        bpy.context.view_layer.update()

    picture_cast(staged, 1, tmp_path / "first.png")
    before = read(staged)
    enlarge()
    if not later:
        picture_cast(staged, 1, tmp_path / "first.png")
    assert_stand_as(read(staged), before, exactly=False)


def test_it_is_undone_and_redone(staged, tmp_path):
    bpy.ops.ed.undo_push(message="staged")
    picture_cast(staged, 1, tmp_path / "first.png")
    before = read(staged)
    bpy.ops.ed.undo_push(message="pictured")
    bpy.ops.ed.undo()
    assert kept() == []
    assert not any(member.picture for member in bpy.context.scene.isa.cast)
    bpy.ops.ed.redo()
    scene = bpy.context.scene
    move_person(scene)
    assert_stand_as(read(scene), before)


def remove(_scene):
    bpy.ops.isa.remove_character(character="Anna")


def delete(scene):
    bpy.data.objects.remove(scene.objects["Anna"])
    refresh_cast(scene)


@pytest.mark.parametrize("change", [remove, delete])
def test_who_lost_it_has_it_again_after_an_undo(pictured, change):
    before = read(pictured)
    bpy.ops.ed.undo_push(message="pictured")
    change(pictured)
    assert kept() == ["Ben as pictured"]
    bpy.ops.ed.undo_push(message="changed")
    bpy.ops.ed.undo()
    scene = bpy.context.scene
    move_person(scene)
    assert_stand_as(read(scene), before)
    assert kept() == ["Anna as pictured", "Ben as pictured"]


def test_a_double_of_somebody_takes_nothing_from_them(pictured):
    before = read(pictured)
    anna = pictured.objects["Anna"]
    for item in pictured.objects:
        item.select_set(item in (anna, *anna.children))
    bpy.ops.object.duplicate()
    refresh_cast(pictured)
    assert in_words(pictured) == ["as pictured", "as pictured", "no picture"]
    assert bpy.ops.isa.remove_character(character="Anna.001") == {"FINISHED"}
    move_person(pictured)
    assert_stand_as(read(pictured), before)


@pytest.mark.parametrize("kind", ["FULL_COPY", "LINK_COPY"])
def test_a_copy_of_the_scene_and_the_scene_have_it_each(pictured, kind):
    before = stances(read(pictured))
    bpy.ops.scene.new(type=kind)
    copy = bpy.context.scene
    refresh_cast(copy)
    for scene in (copy, pictured):
        bpy.context.window.scene = scene
        for member in scene.isa.cast:
            member.character.location.x += 1
        shot = read(scene)
        assert in_words(scene) == ["as pictured", "as pictured"]
        for was, (ndc, _) in zip(before.values(), stances(shot).values(), strict=True):
            np.testing.assert_array_equal(ndc, was[0])
    bpy.context.window.scene = copy
    for name in [member.character.name_full for member in copy.isa.cast]:
        assert bpy.ops.isa.remove_character(character=name) == {"FINISHED"}
    assert not copy.isa.cast
    bpy.context.window.scene = pictured
    assert in_words(pictured) == ["as pictured", "as pictured"]
    assert len(read(pictured).characters) == 2


def test_names_may_be_exchanged(pictured):
    before = stances(read(pictured))
    anna, ben = pictured.objects["Anna"], pictured.objects["Ben"]
    anna.name, ben.name = "Clara", "Anna"
    after = stances(read(pictured))
    np.testing.assert_array_equal(after["Clara"][0], before["Anna"][0])
    np.testing.assert_array_equal(after["Anna"][0], before["Ben"][0])


def test_what_nobody_uses_may_be_purged_and_the_picture_packed(pictured, tmp_path):
    before = read(pictured)
    bpy.data.orphans_purge(do_local_ids=True, do_recursive=True)
    image = bpy.data.images.load(str(tmp_path / "first.png"))
    image.pack()
    image.use_fake_user = True
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    (tmp_path / "first.png").unlink()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    scene = bpy.context.scene
    move_person(scene)
    assert_stand_as(read(scene), before)


def put_into_a_library(scene, file) -> None:
    """The scene, with its people in a collection of their own; another file is open then."""
    people = bpy.data.collections.new("People")
    scene.collection.children.link(people)
    for name in ("Anna", "Ben"):
        for item in (scene.objects[name], *scene.objects[name].children):
            people.objects.link(item)
            scene.collection.objects.unlink(item)
    bpy.data.libraries.write(str(file), {scene, people})
    bpy.ops.wm.read_factory_settings(use_empty=True)


def linked(file, kind: str):
    with bpy.data.libraries.load(str(file), link=True) as (there, here):
        setattr(here, kind, [name for name in getattr(there, kind) if name in ("Scene", "People")])
    return getattr(here, kind)[0]


def test_people_from_a_library_are_known_as_they_stood(staged, tmp_path):
    put_into_a_library(staged, tmp_path / "library.blend")
    scene = bpy.context.scene
    scene.collection.children.link(linked(tmp_path / "library.blend", "collections"))
    add_camera(scene)
    scene.frame_end, scene.render.resolution_percentage = 6, 20
    picture_cast(scene, 1, tmp_path / "first.png")
    before = read(scene)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    scene = bpy.context.scene
    scene.frame_start = 3
    assert in_words(scene) == ["as pictured", "as pictured"]
    assert_stand_as(read(scene), before)


def test_a_scene_from_a_library_knows_its_people_as_they_stood(pictured, tmp_path):
    before = stances(read(pictured))
    put_into_a_library(pictured, tmp_path / "library.blend")
    scene = bpy.context.window.scene = linked(tmp_path / "library.blend", "scenes")
    assert in_words(scene) == ["as pictured", "as pictured"]
    for was, (ndc, _) in zip(before.values(), stances(read(scene)).values(), strict=True):
        np.testing.assert_array_equal(ndc, was[0])
