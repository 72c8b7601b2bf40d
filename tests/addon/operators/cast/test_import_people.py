"""Tracked people become characters where the tracker's camera saw them; files in every tracker's layout."""

import json
import pickle
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view

from isa_blender_addon.operators.cast.import_people import ISA_OT_import_people, chosen
from isa_blender_addon.rigs import tracked
from isa_blender_addon.scene.characters import joint_bones
from isa_engine.data.footage.people import tracked_people
from tests.addon.scenes.small_body import small_body
from tests.addon.scenes.snapshot import snapshot
from tests.data.footage import filmed
from tests.data.footage.filmed import FORMATS, FPS, HEIGHT, WIDTH, Tracked

FRAMES = 5
VIDEO = {"width": WIDTH, "height": HEIGHT, "rate": FPS}
IN_CAMERA = ("smplx", "gvhmr", "wham", "phalp")
# The pelvis of a person's own shape is centimetres from the mean's, which these trackers' places are from.
OF_SHAPES = ("smplx", "gvhmr", "amass")


@pytest.fixture(scope="module")
def people() -> list[Tracked]:
    scene = filmed.scene(seed=3, frames=FRAMES, characters=2)
    return [Tracked(scene, k) for k in range(2)]


@pytest.fixture(autouse=True)
def quick_body(addon, monkeypatch):
    # A body that is built in no time; with the open body's proportions it need not agree.
    monkeypatch.setattr("isa_blender_addon.operators.cast.import_people.open_body", small_body)


def write(folder, tracker, people) -> None:
    folder.mkdir(exist_ok=True)
    FORMATS[tracker](folder, people)


def armatures(scene) -> list:
    return sorted((item for item in scene.objects if item.type == "ARMATURE"), key=lambda item: item.name)


def pelvis(armature):
    return armature.matrix_world @ armature.pose.bones[joint_bones(armature)[0]].head


@pytest.mark.parametrize("tracker", FORMATS)
def test_everybody_is_where_the_tracker_saw_them_on_every_frame(tracker, people, scene, tmp_path):
    people = people[:1] if tracker == "gvhmr" else people
    write(tmp_path / "walk", tracker, people)
    before = len(bpy.data.actions)
    assert bpy.ops.isa.import_people(filepath=f"{tmp_path}/walk/", start_frame=10, **VIDEO) == {"FINISHED"}
    found = armatures(scene)
    assert len(found) == len(people) == len(bpy.data.actions) - before
    assert [member.character for member in scene.isa.cast] == found
    # Of another shape before; the video's camera is the scene's only one.
    if tracker in IN_CAMERA:
        assert (scene.render.resolution_x, scene.render.resolution_y) == (WIDTH, HEIGHT)
    for frame in range(FRAMES):
        scene.frame_set(10 + frame)
        for armature, person in zip(found, people, strict=True):
            if tracker not in IN_CAMERA:
                assert np.allclose(
                    pelvis(armature), person.world_pelvis[frame], atol=0.02 if tracker in OF_SHAPES else 1e-3
                )
                continue
            x, y, _ = world_to_camera_view(scene, scene.objects[tracked.CAMERA], pelvis(armature))
            place = person.pelvis[frame]
            seen = person.focal[frame] * place[:2] / place[2] + person.principal[frame]
            assert np.allclose(
                [x * WIDTH, (1 - y) * HEIGHT], seen, atol=0.4 if tracker in OF_SHAPES else 0.02
            )


def test_a_scene_with_a_camera_keeps_its_render_size_and_says_that_the_video_has_another_shape(
    people, scene, tmp_path, capsys
):
    scene.camera = bpy.data.objects.new("Mine", bpy.data.cameras.new("Mine"))
    scene.collection.objects.link(scene.camera)
    scene.render.resolution_x, scene.render.resolution_y = 1920, 1080
    write(tmp_path, "gvhmr", people[:1])
    assert bpy.ops.isa.import_people(filepath=f"{tmp_path}/", **VIDEO) == {"FINISHED"}
    assert (scene.render.resolution_x, scene.render.resolution_y) == (1920, 1080)
    assert "the render has another shape: through 'Tracked Camera'" in capsys.readouterr().out


@pytest.mark.parametrize("tracker", IN_CAMERA)
def test_those_before_a_camera_stand_on_the_ground_and_it_becomes_a_scenes_first(
    tracker, people, scene, tmp_path
):
    write(tmp_path, tracker, people[:1])
    assert bpy.ops.isa.import_people(filepath=f"{tmp_path}/", **VIDEO) == {"FINISHED"}
    assert scene.camera == scene.objects[tracked.CAMERA]
    (armature,) = armatures(scene)
    assert armature.parent == scene.camera.parent == scene.objects[tracked.EMPTY]
    mesh = armature.children[0].evaluated_get(bpy.context.evaluated_depsgraph_get())
    lowest = min((mesh.matrix_world @ vertex.co).z for vertex in mesh.data.vertices)
    assert abs(lowest) < 0.03


def test_an_import_that_fails_changes_nothing_and_a_scenes_own_camera_stays(people, scene, tmp_path):
    write(tmp_path, "wham", people)
    camera = bpy.data.objects.new("Mine", bpy.data.cameras.new("Mine"))
    scene.collection.objects.link(camera)
    scene.camera = camera
    before = snapshot()
    with pytest.raises(RuntimeError, match=r"wham\.npz"):
        bpy.ops.isa.import_people(filepath=str(tmp_path / "wham.npz"), tracker="gvhmr", **VIDEO)
    assert snapshot() == before
    assert bpy.ops.isa.import_people(filepath=str(tmp_path / "wham.npz"), **VIDEO) == {"FINISHED"}
    assert scene.camera == camera


@pytest.mark.parametrize("name", ["wham_output.pkl", "hmr4d_results.pt", "demo.pth", "tracks.joblib"])
@pytest.mark.parametrize("tracker", ["AUTO", "wham"])
def test_a_pickle_is_never_read_and_the_remedy_is_said(name, tracker, tmp_path, scene):
    class Trap:
        def __reduce__(self):
            return exec, (f"open({str(tmp_path / 'sprung')!r}, 'w')",)

    (tmp_path / name).write_bytes(pickle.dumps(Trap()))
    with pytest.raises(
        RuntimeError, match=rf"{name}. A pickle can run any program. Convert it as docs/dataset"
    ):
        bpy.ops.isa.import_people(filepath=str(tmp_path / name), tracker=tracker, **VIDEO)
    assert not (tmp_path / "sprung").exists()
    assert not scene.objects


def test_an_array_of_objects_is_a_pickle_too(tmp_path):
    np.savez(tmp_path / "wham.npz", id=np.array([{}], object), frame_ids=[0], pose=np.zeros((1, 72)))
    with pytest.raises(RuntimeError, match="holds Python objects"):
        bpy.ops.isa.import_people(filepath=str(tmp_path / "wham.npz"), **VIDEO)


def test_frames_that_nobody_saw_are_filled_in_and_said(people, scene, tmp_path, capsys):
    write(tmp_path, "easymocap", people)
    unseen = tmp_path / "easymocap" / "000002.json"
    unseen.write_text(json.dumps(json.loads(unseen.read_text())[:1]))
    assert bpy.ops.isa.import_people(filepath=str(unseen), **VIDEO) == {"FINISHED"}
    assert "Nobody saw 1 in 1 frames" in capsys.readouterr().out
    second = armatures(scene)[1]
    places = []
    for frame in (2, 3, 4):
        scene.frame_set(frame)
        places.append(np.array(pelvis(second)))
    assert np.allclose(places[1], (places[0] + places[2]) / 2, atol=1e-5)


def test_a_person_who_comes_later_is_keyed_later_whatever_the_rates(people, scene, tmp_path):
    write(tmp_path, "wham", people[:1])
    rows = dict(np.load(tmp_path / "wham.npz"))
    rows["frame_ids"] = rows["frame_ids"] + 10
    np.savez(tmp_path / "wham.npz", **rows)
    video = {**VIDEO, "rate": 12}
    assert bpy.ops.isa.import_people(filepath=str(tmp_path / "wham.npz"), start_frame=1, **video) == {
        "FINISHED"
    }
    action = armatures(scene)[0].animation_data.action
    assert tuple(action.frame_range) == (21, 21 + 2 * (FRAMES - 1))


def test_frame_numbers_beyond_all_reason_are_refused(people, tmp_path):
    write(tmp_path, "wham", people[:1])
    rows = dict(np.load(tmp_path / "wham.npz"))
    rows["frame_ids"] = rows["frame_ids"] * 10**12
    np.savez(tmp_path / "wham.npz", **rows)
    with pytest.raises(RuntimeError, match="another length"):
        bpy.ops.isa.import_people(filepath=str(tmp_path / "wham.npz"), **VIDEO)


def test_shapes_are_kept_on_a_body_that_has_them_only(people, tmp_path):
    write(tmp_path, "gvhmr", people[:1])
    shapes = [
        tracked_people(tmp_path, "", (HEIGHT, WIDTH), FPS, small_body(), is_smplx).people[0].motion.betas
        for is_smplx in (True, False)
    ]
    assert np.allclose(shapes[0], people[0].betas[:2], atol=1e-6)
    assert len(shapes[1]) == 0


def test_any_file_of_a_tracker_may_be_clicked(people, tmp_path):
    for tracker in FORMATS:
        write(tmp_path, tracker, people[:1])
    assert chosen(tmp_path / "gvhmr.npz", "") == (tmp_path / "gvhmr.npz", "gvhmr")
    assert chosen(tmp_path / "smplx/00001_0.npz", "") == (tmp_path / "smplx", "smplx")
    assert chosen(tmp_path / "easymocap", "") == (tmp_path / "easymocap", "easymocap")
    assert chosen(tmp_path / "amass/0.npz", "amass") == (tmp_path / "amass", "amass")
    assert chosen(tmp_path / "mine.npz", "wham") == (tmp_path / "mine.npz", "wham")
    assert chosen(tmp_path / "camera.json", "") == (tmp_path, "")
    assert chosen(tmp_path, "") == (tmp_path, "")


def test_the_window_begins_with_the_scenes_footage_and_rate(scene):
    scene.isa.footage = bpy.data.images.new("footage", 64, 48)
    scene.frame_start, scene.render.fps = 7, 30
    operator = SimpleNamespace()
    # Then comes the file browser, which is Blender's.
    with pytest.raises(TypeError, match="super"):
        ISA_OT_import_people.invoke(operator, SimpleNamespace(scene=scene), None)
    assert (operator.start_frame, operator.rate, operator.width, operator.height) == (7, 30.0, 64, 48)
