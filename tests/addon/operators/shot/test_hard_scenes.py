"""Scenes that artists really have: many people, long ranges, any name, people from a library file."""

import sys
from pathlib import Path

import bpy
import numpy as np
import pytest

from isa_blender_addon.engine import process
from isa_blender_addon.plate.camera_plane import planes
from isa_blender_addon.preflight import check_shot
from isa_blender_addon.session.current import session
from isa_blender_addon.settings.cast import playing, references, refresh_cast
from isa_blender_addon.settings.shot import generation_settings
from isa_blender_addon.takes.shown import shown_folder
from isa_blender_addon.ui.next_take import ISA_PT_generate
from isa_engine.body import write_motion
from isa_engine.shot import read_shot, write_shot
from tests.addon import fake_engine
from tests.addon.drawn import drawn
from tests.addon.fake_engine import FAST
from tests.addon.scenes.cast import add_camera, add_person, random_motion, stage
from tests.addon.scenes.shot import capture_shot
from tests.pipeline.shots import picture
from tests.service.running import eventually

NAMES = ('Anna "the" O\'Neil', "影 子", "Ægir\\n%s{0}", "a/b:c*?", " spaces ")


pytestmark = pytest.mark.usefixtures("addon")


def crowd(scene, count: int) -> list:
    """People in rows, who share one mesh's data and one motion."""
    first = stage(scene, frames=2)
    people = [first]
    for index in range(1, count):
        armature, mesh = first.copy(), first.children[0].copy()
        mesh.parent, mesh.modifiers["Armature"].object = armature, armature
        armature.name = f"Extra {index:02}"
        armature.location = (index % 5 - 2, 1 + index // 5, 0)
        for item in (armature, mesh):
            scene.collection.objects.link(item)
        people.append(armature)
    bpy.context.view_layer.update()
    return people


def test_twenty_characters_are_cast_read_checked_and_sent_as_one_shot(scene, tmp_path):
    people = crowd(scene, 20)
    (tmp_path / "all.png").write_bytes(picture(64, 48))
    refresh_cast(scene)
    assert len(playing(scene)) == 20
    # As many as there are colours before one comes again.
    assert len({tuple(member.colour) for member in scene.isa.cast}) == 7
    for member in scene.isa.cast:
        member.picture = str(tmp_path / "all.png")
    shot = capture_shot(scene, generation_settings(scene), references(scene))
    assert [character.name for character in shot.characters] == sorted(person.name for person in people)
    moved = {person.name: np.array(person.location) for person in people}
    first = shot.characters[0].points - moved[shot.characters[0].name]
    for character in shot.characters:
        assert np.allclose(character.points - moved[character.name], first, atol=1e-4)
    check_shot(shot)
    write_shot(shot, tmp_path / "shot.npz")
    back = read_shot(tmp_path / "shot.npz")
    assert len(back.characters) == 20
    assert len(back.references) == 1


@pytest.mark.slow
def test_two_thousand_frames_are_read_from_the_first_to_the_last(scene):
    frames = 2000
    add_person(motion=random_motion(frames))
    add_camera(scene)
    scene.frame_start, scene.frame_end = 1001, 1000 + frames
    scene.frame_set(1001)
    shot = capture_shot(scene, generation_settings(scene))
    assert shot.frame_numbers.tolist() == list(range(1001, 1001 + frames))
    (character,) = shot.characters
    assert character.points.shape[0] == frames
    assert np.isfinite(character.points).all()


def test_two_thousand_frames_are_more_than_a_model_is_made_for_and_it_is_said(scene):
    stage(scene)
    scene.frame_end = 2000
    refresh_cast(scene)
    assert "2000 frames" in " ".join(drawn(ISA_PT_generate))


@pytest.mark.parametrize("name", NAMES)
def test_any_name_goes_all_the_way_to_the_plate(name, scene, tmp_path, monkeypatch):
    """Of scene, character, camera, file, folder and picture."""
    monkeypatch.setattr(process, "ENGINE", fake_engine.COMMAND)
    monkeypatch.setenv("ISA_ENGINE_PYTHON", sys.executable)
    # Blender takes a backslash for a slash, and a folder can hold neither.
    folder = tmp_path / name.strip().replace("/", "_").replace("\\", "_")
    folder.mkdir()
    anna = stage(scene, frames=3)
    anna.name = scene.name = scene.camera.name = name
    (folder / f"{folder.name}.png").write_bytes(picture(64, 48))
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / f"{folder.name}.blend"))
    scene = bpy.context.scene
    refresh_cast(scene)
    scene.isa.cast[0].picture = f"//{folder.name}.png"
    scene.isa.steps, scene.isa.seed = 1, FAST
    assert bpy.ops.isa.generate() == {"FINISHED"}

    def idle() -> bool:
        session().tick()
        return all(job.stopped for job in session().queue.jobs()) and not session().queue.arrived()

    eventually(idle, "the plate is there")
    assert session().error == ""
    (plane,) = planes(scene)
    assert plane.parent == scene.camera
    take = shown_folder(scene)
    assert take.parent == folder / "isa"
    assert read_shot(take / "shot.npz").characters[0].name == anna.name
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=bpy.data.filepath)
    assert shown_folder(bpy.context.scene) == take


@pytest.fixture
def library(scene, tmp_path) -> Path:
    """A file with Anna in a collection."""
    add_person()
    path = tmp_path / 'Bücherei\'s "people".blend'
    anna = bpy.data.objects["Anna"]
    collection = bpy.data.collections.new("Anna's")
    for item in (anna, *anna.children):
        collection.objects.link(item)
    bpy.data.libraries.write(str(path), {collection})
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return path


def link(path: Path):
    """The collection from the library, in the scene."""
    with bpy.data.libraries.load(str(path), link=True) as (_, target):
        target.collections = ["Anna's"]
    (collection,) = target.collections
    scene = bpy.context.scene
    scene.collection.children.link(collection)
    scene.render.fps, scene.frame_end = 24, 4
    add_camera(scene)
    return collection


def points(scene) -> list[np.ndarray]:
    shot = capture_shot(scene, generation_settings(scene))
    return [character.points for character in shot.characters]


def test_linked_people_are_cast_and_read_as_local_ones_are(library, scene):
    link(library)
    scene = bpy.context.scene
    refresh_cast(scene)
    (member,) = scene.isa.cast
    assert member.character.library is not None
    (linked,) = points(scene)
    bpy.ops.object.make_local(type="ALL")
    (local,) = points(scene)
    assert np.array_equal(linked, local)


def test_overridden_people_play_what_their_override_says(library, scene):
    collection = link(library)
    scene = bpy.context.scene
    (before,) = points(scene)
    override = collection.override_hierarchy_create(scene, bpy.context.view_layer)
    scene.collection.children.unlink(collection)
    anna = next(item for item in override.all_objects if item.type == "ARMATURE")
    anna.location.x += 2
    bpy.context.view_layer.update()
    refresh_cast(scene)
    assert [member.character for member in scene.isa.cast] == [anna]
    (after,) = points(scene)
    assert np.allclose(after, before + np.array([2, 0, 0]), atol=1e-5)
    scene.isa.cast[0].include = False
    assert playing(scene) == []


def test_a_linked_character_can_be_left_out_or_it_is_said_how(library, scene):
    link(library)
    scene = bpy.context.scene
    refresh_cast(scene)
    scene.isa.cast[0].include = False
    assert playing(scene) == []
    scene.isa.cast[0].include = True
    assert len(playing(scene)) == 1


def test_a_linked_and_a_local_character_of_one_name_are_two(library, scene):
    link(library)
    scene = bpy.context.scene
    add_person("Anna").location.x += 1
    bpy.context.view_layer.update()
    refresh_cast(scene)
    assert len(playing(scene)) == 2
    assert len(points(scene)) == 2


def test_a_motion_for_a_linked_character_is_refused_with_a_remedy(library, scene, tmp_path):
    collection = link(library)
    write_motion(random_motion(), tmp_path / "walk.npz")
    bpy.context.view_layer.objects.active = next(
        item for item in collection.objects if item.type == "ARMATURE"
    )
    with pytest.raises(RuntimeError, match="library"):
        bpy.ops.isa.import_motion(filepath=str(tmp_path / "walk.npz"))


@pytest.mark.parametrize(
    ("button", "values"), [("move_apart", {"offset": (1, 0, 0)}), ("put_on_ground", {"height": 1})]
)
def test_a_linked_character_is_not_moved_for_this_session_alone(library, scene, button, values):
    link(library)
    scene = bpy.context.scene
    refresh_cast(scene)
    (before,) = points(scene)
    with pytest.raises(RuntimeError, match=r"linked from a library.*Override it first"):
        getattr(bpy.ops.isa, button)(character=scene.isa.cast[0].character.name_full, **values)
    (after,) = points(scene)
    assert np.array_equal(before, after)
