"""Scene → shot: what is read, and that nothing is left behind."""

from fractions import Fraction

import bpy
import numpy as np
import pytest
from mathutils import Vector
from mathutils.bvhtree import BVHTree
from PIL import Image

from isa_blender_addon.rigs.rig import apply_motion
from isa_blender_addon.scene.capture import Reference, capture_frames
from isa_blender_addon.scene.characters import set_cast
from isa_blender_addon.scene.reference import render_reference
from isa_engine.errors import SceneError
from isa_engine.geometry.ndc import project
from isa_engine.shot import Settings, encode_shot, read_shot
from tests.addon.scenes.cast import (
    add_camera,
    add_person,
    make_meshcapade,
    make_mpi,
    random_motion,
    stage,
    world_vertices,
)
from tests.addon.scenes.shot import capture_shot
from tests.addon.scenes.snapshot import snapshot

SETTINGS = Settings(model="isa-tiny", width=224, height=128, steps=5, seed=3)
MILLIMETRE = 1e-3


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "anna.png"
    Image.new("RGB", (32, 18), "red").save(path)
    return path


def test_a_shot_holds_the_scene(scene):
    stage(scene)
    scene.frame_end, scene.frame_step = 5, 2
    scene.render.fps, scene.render.fps_base = 24, 1.001
    shot = capture_shot(scene, SETTINGS)
    assert (shot.width, shot.height, shot.fps) == (320, 180, Fraction(24000, 1001))
    np.testing.assert_array_equal(shot.frame_numbers, [1, 3, 5])
    assert shot.settings == SETTINGS
    assert [character.name for character in shot.characters] == ["Anna"]
    assert shot.characters[0].points.dtype == np.float32
    assert shot.characters[0].points.shape == (3, 2048, 3)
    # Keys of the camera: it moves by 1 over frames 1 to 6, eased.
    across = shot.camera_to_world[:, 0, 3]
    assert across[0] == 0
    assert 0 < across[1] < across[2] < 1
    assert read_shot(encode_shot(shot)).frames == 3


def test_points_lie_on_the_evaluated_mesh(scene):
    anna = stage(scene, frames=3)
    anna.location, anna.rotation_euler, anna.scale = (1, 2, 0.5), (0.1, 0.2, 2.0), (1.1, 1.1, 1.1)
    shot = capture_shot(scene, SETTINGS)
    faces = [polygon.vertices[:] for polygon in anna.children[0].data.polygons]
    for index, frame in enumerate(shot.frame_numbers.tolist()):
        scene.frame_set(frame)
        tree = BVHTree.FromPolygons(world_vertices(scene, anna.children[0]).tolist(), faces)
        away = [tree.find_nearest(Vector(p))[3] for p in shot.characters[0].points[index, ::40].tolist()]
        assert max(away) < 1e-5


def test_rigs_of_three_add_ons_give_the_same_points(scene):
    motion = random_motion(4)
    for make in (lambda rig: rig, make_mpi, make_meshcapade):
        rig = make(add_person("Anna"))
        apply_motion(rig, motion)
        rig.location += Vector((0, 0, 0.25))
    add_camera(scene)
    scene.frame_start, scene.frame_end = 1, 4
    first, *others = capture_shot(scene, SETTINGS).characters
    assert len(others) == 2
    for other in others:
        assert np.abs(other.points - first.points).max() < 1e-4
        np.testing.assert_array_equal(other.triangles, first.triangles)
    # They move, so the agreement says something.
    assert np.abs(first.points[1:] - first.points[:-1]).max() > 0.05


def test_constraints_are_honoured(scene):
    anna = stage(scene, frames=2)
    before = capture_shot(scene, SETTINGS).characters[0].points
    target = bpy.data.objects.new("Mark", None)
    scene.collection.objects.link(target)
    target.location = (0, 0, 2)
    anna.constraints.new("COPY_LOCATION").target = target
    after = capture_shot(scene, SETTINGS).characters[0].points
    np.testing.assert_allclose(after, before + np.array([0, 0, 2]), atol=1e-5)
    turn = anna.pose.bones["left_shoulder"].constraints.new("LIMIT_ROTATION")
    turn.use_limit_x = turn.use_limit_y = turn.use_limit_z = True
    turn.owner_space = "LOCAL"
    limited = capture_shot(scene, SETTINGS).characters[0].points
    assert np.abs(limited - after).max() > 0.02


def test_nla_strips_are_honoured(scene):
    anna = stage(scene, frames=3)
    expected = capture_shot(scene, SETTINGS).characters[0].points
    animation = anna.animation_data
    strip = animation.nla_tracks.new().strips.new("Walk", 11, animation.action)
    if hasattr(strip, "action_slot"):
        strip.action_slot = animation.action_slot
    animation.action = None
    scene.frame_start, scene.frame_end = 11, 13
    shifted = capture_shot(scene, SETTINGS).characters[0].points
    np.testing.assert_allclose(shifted, expected, atol=1e-5)


def test_hidden_and_excluded_characters_stay_out(scene):
    stage(scene, frames=1)
    add_person("Ben").children[0].hide_render = True
    set_cast(scene, add_person("Carla"), False)
    assert [character.name for character in capture_shot(scene, SETTINGS).characters] == ["Anna"]


def test_a_subdivided_character_keeps_its_points(scene):
    anna = stage(scene, frames=2)
    plain = capture_shot(scene, SETTINGS).characters[0]
    anna.children[0].modifiers.new("Subdivision", "SUBSURF").subdivision_type = "SIMPLE"
    before = snapshot()
    smooth = capture_shot(scene, SETTINGS).characters[0]
    assert snapshot() == before
    np.testing.assert_array_equal(smooth.triangles, plain.triangles)
    # Nested balls (jaw in head) may swap a point where they cross.
    away = np.linalg.norm(smooth.points - plain.points, axis=-1)
    assert np.quantile(away, 0.99) < MILLIMETRE


def test_markers_switch_the_camera(scene):
    stage(scene, frames=4)
    left = scene.camera
    right = add_camera(scene, place=(7, -3, 0))
    for frame, camera in ((1, left), (3, right)):
        scene.timeline_markers.new(camera.name, frame=frame).camera = camera
    scene.camera = right
    shot = capture_shot(scene, SETTINGS)
    np.testing.assert_array_equal(shot.camera_to_world[:, 0, 3] == 7, [False, False, True, True])
    assert shot.cuts == (2,)
    # As the artist left it, whatever the markers say of this frame.
    assert scene.camera == right


def test_a_reference_is_posed_as_at_its_frame(scene, picture):
    stage(scene, frames=6)
    scene.frame_start = 3
    references = {"Anna": Reference(picture)}
    shot = capture_shot(scene, SETTINGS, references)
    (anna,) = shot.characters
    np.testing.assert_array_equal(anna.reference.points, anna.points[0])
    np.testing.assert_array_equal(anna.reference.mvp, shot.mvp[0])
    assert shot.references == (picture.read_bytes(),)
    assert shot.frame_reference == 0

    # A frame outside the range.
    earlier = capture_shot(scene, SETTINGS, {"Anna": Reference(picture, frame=1)})
    scene.frame_start = 1
    whole = capture_shot(scene, SETTINGS)
    np.testing.assert_array_equal(earlier.characters[0].reference.points, whole.characters[0].points[0])
    np.testing.assert_array_equal(earlier.characters[0].reference.mvp, whole.mvp[0])
    np.testing.assert_array_equal(earlier.frame_numbers, [3, 4, 5, 6])


def test_a_shared_picture_is_carried_once(scene, picture, tmp_path):
    stage(scene, frames=1)
    add_person("Ben")
    other = tmp_path / "ben.jpg"
    Image.new("RGB", (32, 18), "blue").save(other)
    shot = capture_shot(scene, SETTINGS, {"Anna": Reference(picture), "Ben": Reference(picture)})
    assert len(shot.references) == 1
    assert shot.frame_reference == 0
    shot = capture_shot(scene, SETTINGS, {"Anna": Reference(picture), "Ben": Reference(other)})
    assert [character.reference.picture for character in shot.characters] == [0, 1]
    assert shot.frame_reference is None
    shot = capture_shot(scene, SETTINGS, {"Ben": Reference(other)})
    assert shot.characters[0].reference is None
    assert shot.frame_reference is None


def test_a_reference_that_is_rendered_again_is_the_same_picture_of_the_same_shot(scene, tmp_path):
    stage(scene, frames=3)
    paths = [render_reference(scene, 3, tmp_path / f"{name}.png") for name in ("first", "again")]
    assert b"RenderTime" in paths[0].read_bytes()
    first, again = (
        encode_shot(capture_shot(scene, SETTINGS, {"Anna": Reference(path, frame=3)})) for path in paths
    )
    assert first == again
    assert b"RenderTime" not in read_shot(first).references[0]


def test_a_rendered_reference_shows_the_character_at_its_points(scene, tmp_path):
    stage(scene, frames=3)
    light = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
    light.data.energy, light.rotation_euler = 20, (np.pi / 2, 0, 0)
    scene.collection.objects.link(light)
    scene.frame_set(2)
    before = snapshot()
    path = render_reference(scene, 3, tmp_path / "reference.png")
    assert snapshot() == before
    shot = capture_shot(scene, SETTINGS, {"Anna": Reference(path, frame=3)})
    pose = shot.characters[0].reference
    image = np.array(Image.open(path).convert("L"))
    assert image.shape == (180, 320)
    ndc = project(pose.points, pose.mvp)[0]
    inside = (np.abs(ndc[:, :2]) < 0.99).all(1)
    assert inside.mean() > 0.5
    column = ((ndc[inside, 0] + 1) / 2 * 320).astype(int)
    row = ((1 - ndc[inside, 1]) / 2 * 180).astype(int)
    lit = image > 40
    assert lit[row, column].mean() > 0.95
    assert lit.mean() < 0.4


def restless(scene):
    """A scene in the middle of work: between frames, an unkeyed pose, markers, another active object."""
    anna = stage(scene, frames=5)
    other = add_camera(scene, place=(3, -4, 1))
    scene.timeline_markers.new("cut", frame=3).camera = other
    scene.frame_set(2, subframe=0.25)
    anna.pose.bones["left_elbow"].rotation_quaternion = (0.8, 0.6, 0, 0)
    anna.children[0].data.shape_keys.key_blocks["Shape000"].value = 0.5
    for item in bpy.context.selected_objects:
        item.select_set(False)
    other.select_set(True)
    bpy.context.view_layer.objects.active = other
    bpy.context.view_layer.update()
    return anna, other


def test_the_scene_is_as_it_was(scene, picture):
    restless(scene)
    before = snapshot()
    capture_shot(scene, SETTINGS, {"Anna": Reference(picture, frame=9)})
    assert snapshot() == before


def test_the_scene_is_as_it_was_after_a_cancel(scene):
    restless(scene)
    before = snapshot()
    frames = capture_frames(scene, SETTINGS)
    assert next(said for said in frames if said != (0, 5)) == (1, 5)
    assert [next(frames) for _ in range(2)] == [(2, 5), (3, 5)]
    assert scene.frame_current == 3
    frames.close()
    assert snapshot() == before


def test_the_scene_is_as_it_was_after_a_failure(scene):
    _, other = restless(scene)
    other.data.type = "ORTHO"
    before = snapshot()
    with pytest.raises(SceneError, match="the camera is orthographic"):
        capture_shot(scene, SETTINGS)
    assert snapshot() == before


def test_scrubbing_between_steps_changes_nothing(scene):
    stage(scene, frames=4)
    expected = capture_shot(scene, SETTINGS)
    frames = capture_frames(scene, SETTINGS)
    scrubbed = read_while(frames, lambda: scene.frame_set(17))
    np.testing.assert_array_equal(scrubbed.characters[0].points, expected.characters[0].points)


def read_while(frames, between):
    """The generator's shot, with something done between its steps."""
    while True:
        try:
            next(frames)
        except StopIteration as done:
            return done.value.shot
        between()


@pytest.mark.parametrize(
    "steps", [[(0, 4), (0, 4)], [(1, 4)]], ids=["before its surface is made", "while it is read"]
)
def test_a_character_that_goes_away_is_a_sentence(scene, steps):
    anna = stage(scene, frames=4)
    frames = capture_frames(scene, SETTINGS)
    assert all(step in frames for step in steps)
    bpy.data.objects.remove(anna.children[0])
    with pytest.raises(SceneError, match=r"a character was removed.*Generate again"):
        list(frames)


def test_a_vertex_that_only_one_of_two_like_bodies_has_is_let_be(scene):
    anna = stage(scene, frames=1)
    add_person("Ben").location.x = 1
    wanted = capture_shot(scene, SETTINGS)
    (body,) = anna.children
    body.shape_key_clear()
    body.data.vertices.add(1)
    body.data.update()
    found = capture_shot(scene, SETTINGS)
    for before, after in zip(wanted.characters, found.characters, strict=True):
        np.testing.assert_allclose(after.points.mean(1), before.points.mean(1), atol=0.02)


def test_a_changing_topology_is_a_sentence(scene):
    anna = stage(scene, frames=4)
    modifier = anna.children[0].modifiers.new("Grow", "BUILD")
    modifier.frame_start, modifier.frame_duration = 1, 10
    before = snapshot()
    with pytest.raises(
        SceneError, match=r"^'Anna' changes its number of vertices with time or pose \(frame \d\)\..*'Grow'"
    ):
        capture_shot(scene, SETTINGS)
    assert snapshot() == before


def test_no_character_is_a_sentence(scene):
    add_camera(scene)
    with pytest.raises(SceneError, match=r"^there is no character in scene 'Scene'\. Add ▸ SMPL-X Character"):
        capture_shot(scene, SETTINGS)


def test_no_camera_is_a_sentence(scene):
    stage(scene, frames=2)
    scene.camera = None
    with pytest.raises(SceneError, match="there is no active camera"):
        capture_shot(scene, SETTINGS)


def test_a_picture_of_a_stranger_is_a_sentence(scene, picture):
    stage(scene, frames=2)
    with pytest.raises(SceneError, match=r"for 'Ben', who is not in the cast\. The cast is: Anna"):
        capture_shot(scene, SETTINGS, {"Ben": Reference(picture)})


def damaged_png(path):
    Image.effect_noise((64, 64), 50).save(path)
    path.write_bytes(path.read_bytes()[:-600])


def damaged_jpeg(path):
    Image.effect_noise((64, 64), 50).save(path)
    path.write_bytes(path.read_bytes()[:-600])


def no_picture(path):
    path.write_bytes(b"%PDF-1.7\n" + bytes(400))


def missing(path):
    pass


@pytest.mark.parametrize(
    ("make", "name", "sentence"),
    [
        (
            missing,
            "a.png",
            r"cannot read .*a\.png.*No such file[^(]*\(reference picture of 'Anna'\)\. Choose another",
        ),
        (
            damaged_png,
            "a.png",
            r"a\.png' is damaged, or no picture [^(]*\(reference picture of 'Anna'\)\. Export",
        ),
        (
            damaged_jpeg,
            "a.jpg",
            r"a\.jpg' is damaged, or no picture [^(]*\(reference picture of 'Anna'\)\. Export",
        ),
        (
            no_picture,
            "a.png",
            r"a\.png' is damaged, or no picture [^(]*\(reference picture of 'Anna'\)\. .*as PNG or JPEG",
        ),
    ],
)
def test_an_unusable_picture_is_a_sentence(scene, tmp_path, make, name, sentence):
    stage(scene, frames=2)
    make(tmp_path / name)
    before = snapshot()
    with pytest.raises(SceneError, match=sentence):
        capture_shot(scene, SETTINGS, {"Anna": Reference(tmp_path / name)})
    assert snapshot() == before


def test_a_folder_is_no_picture(scene, tmp_path):
    stage(scene, frames=2)
    with pytest.raises(SceneError, match="cannot read"):
        capture_shot(scene, SETTINGS, {"Anna": Reference(tmp_path)})
