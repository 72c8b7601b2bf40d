"""The plate lines up with the camera, frame by frame, and leaves everything else alone."""

import av
import bpy
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from isa_blender_addon.plate.camera_plane import DEPTH, MATTE, import_plane, planes, remove_planes
from isa_blender_addon.scene.camera import camera_to_world, evaluated_camera, intrinsics
from isa_engine.errors import SceneError
from isa_engine.geometry.camera import modelview_projection
from tests.addon.plates import add_camera, inventory, psnr, render, write_movie

FIRST, FRAMES = 7, 9
FRAME_NUMBERS = np.arange(FIRST, FIRST + FRAMES)


cameras = st.fixed_dictionaries(
    {
        "size": st.sampled_from([(64, 48), (48, 64), (56, 56), (96, 40)]),
        "percentage": st.sampled_from([100, 50]),
        "fit": st.sampled_from(["AUTO", "HORIZONTAL", "VERTICAL"]),
        "aspect": st.sampled_from([(1.0, 1.0), (2.0, 1.0), (1.0, 1.46)]),
        "lens": st.tuples(st.floats(12, 120), st.floats(12, 120)),
        "shift": st.tuples(st.floats(-0.4, 0.4), st.floats(-0.4, 0.4)),
        "sensor": st.tuples(st.floats(10, 50), st.floats(10, 50)),
        "scale": st.tuples(*[st.floats(0.3, 3)] * 3),
        "depth": st.floats(0.5, 80),
        "seed": st.integers(0, 1000),
    }
)


def stage(setup):
    """A scene with a moving camera on a scaled crane, its lens and shift animated."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.view_settings.view_transform = "Standard"
    width, height = setup["size"]
    percentage = setup["percentage"]
    # At 50 %, an odd number of pixels, which Blender rounds down.
    scene.render.resolution_percentage = percentage
    scene.render.resolution_x = width * 100 // percentage + (percentage < 100)
    scene.render.resolution_y = height * 100 // percentage + (percentage < 100)
    scene.render.pixel_aspect_x, scene.render.pixel_aspect_y = setup["aspect"]
    crane = bpy.data.objects.new("Crane", None)
    scene.collection.objects.link(crane)
    crane.scale = [setup["scale"][0]] * 3
    camera = add_camera(scene)
    camera.parent, camera.scale, camera.rotation_euler = crane, setup["scale"], (0.4, -0.3, 2.0)
    camera.data.sensor_fit = setup["fit"]
    camera.data.sensor_width, camera.data.sensor_height = setup["sensor"]
    for frame, lens, shift, x in zip(
        (FIRST, FIRST + FRAMES - 1), setup["lens"], setup["shift"], (0, 3), strict=True
    ):
        camera.location.x, camera.data.lens = x, lens
        camera.data.shift_x, camera.data.shift_y = shift, -shift / 2
        camera.keyframe_insert("location", frame=frame)
        for path in ("lens", "shift_x", "shift_y"):
            camera.data.keyframe_insert(path, frame=frame)
    return scene


@pytest.fixture(scope="module")
def movie(tmp_path_factory):
    path = tmp_path_factory.mktemp("movie") / "plate.mp4"
    write_movie(path, 2, 32, 32)
    return path


@settings(max_examples=40, deadline=None, phases=[Phase.generate])
@given(setup=cameras)
def test_the_planes_corners_are_the_frames_corners(setup, movie):
    scene = stage(setup)
    (plane,) = import_plane(scene, movie, FRAME_NUMBERS)
    plane[DEPTH] = setup["depth"]
    plane.update_tag()
    for frame in (FIRST, FIRST + FRAMES // 2, FIRST + FRAMES - 1):
        scene.frame_set(frame)
        camera = evaluated_camera(scene, frame)
        mvp = modelview_projection(intrinsics(camera, scene), camera_to_world(camera))
        placed = plane.evaluated_get(bpy.context.evaluated_depsgraph_get())
        corners = np.array([[*(placed.matrix_world @ v.co), 1] for v in placed.data.vertices])
        ndc = corners @ mvp.T
        expected = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
        np.testing.assert_allclose(ndc[:, :2] / ndc[:, 3:], expected, atol=2e-4)
        np.testing.assert_allclose(ndc[:, 3], plane[DEPTH], rtol=1e-4)


@settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(setup=cameras)
def test_rendered_through_the_camera_the_plate_is_the_video(setup, tmp_path):
    scene = stage(setup)
    frames = write_movie(tmp_path / "plate.mp4", FRAMES, *setup["size"], setup["seed"])
    (plane,) = import_plane(scene, tmp_path / "plate.mp4", FRAME_NUMBERS)
    plane[DEPTH] = setup["depth"]
    plane.update_tag()
    for index in (0, FRAMES // 2, FRAMES - 1):
        picture = render(scene, FIRST + index, tmp_path)
        assert picture.shape == frames[index].shape
        assert psnr(picture, frames[index]) >= 40
        for other in {max(index - 1, 0), min(index + 1, FRAMES - 1)} - {index}:
            assert psnr(picture, frames[other]) < 40


def test_the_picture_stands_upright_and_unmirrored(scene, tmp_path):
    add_camera(scene)
    scene.view_settings.view_transform = "Standard"
    scene.render.resolution_x = scene.render.resolution_y = 32
    picture = np.full((32, 32, 3), 40, np.uint8)
    picture[:16, :16] = 220  # top left
    with av.open(str(tmp_path / "plate.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width = stream.height = 32
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    import_plane(scene, tmp_path / "plate.mp4", FRAME_NUMBERS[:1])
    rendered = render(scene, FIRST, tmp_path).astype(float).mean(-1)
    assert rendered[:14, :14].mean() > 200
    assert max(rendered[18:, 18:].mean(), rendered[:14, 18:].mean(), rendered[18:, :14].mean()) < 60


def test_the_drivers_need_no_permission_to_run_python(scene, movie):
    add_camera(scene)
    (plane,) = import_plane(scene, movie, FRAME_NUMBERS)
    drivers = [curve.driver for curve in plane.animation_data.drivers]
    assert len(drivers) == 5
    assert all(driver.is_simple_expression and driver.is_valid for driver in drivers)


def test_importing_twice_replaces_and_keeps_the_artists_distance(scene, movie, tmp_path):
    add_camera(scene)
    write_movie(tmp_path / "second.mp4", 2, 48, 32)
    (plane,) = import_plane(scene, movie, FRAME_NUMBERS, matte=tmp_path / "second.mp4")
    assert plane[MATTE].filepath.endswith("second.mp4")
    plane[DEPTH] = 4.5
    before = inventory()
    (plane,) = import_plane(scene, tmp_path / "second.mp4", FRAME_NUMBERS, matte=movie)
    assert planes(scene) == [plane]
    assert plane[DEPTH] == 4.5
    image = plane.active_material.node_tree.nodes["Image Texture"].image
    assert image.filepath.endswith("second.mp4")
    after = inventory()
    assert {kind: len(names) for kind, names in after.items()} == {k: len(n) for k, n in before.items()}


def test_another_take_goes_where_the_one_before_was(scene, movie, tmp_path):
    """The artist's own nodes, and other uses of the movie, follow."""
    add_camera(scene)
    (plane,) = import_plane(scene, movie, FRAME_NUMBERS)
    tree = plane.active_material.node_tree
    texture, grade = tree.nodes["Image Texture"], tree.nodes.new("ShaderNodeGamma")
    tree.links.new(texture.outputs["Color"], grade.inputs["Color"])
    image = texture.image
    write_movie(tmp_path / "second.mp4", 4, 48, 32)
    assert import_plane(scene, tmp_path / "second.mp4", FRAME_NUMBERS + 5) == [plane]
    assert plane.active_material.node_tree == tree
    assert grade.inputs["Color"].is_linked
    assert texture.image == image
    assert image.filepath.endswith("second.mp4")
    assert (texture.image_user.frame_start, texture.image_user.frame_duration) == (FIRST + 5, 4)
    assert inventory()["images"] == {image.name}


def test_nothing_else_in_the_scene_is_touched(scene, movie):
    camera = add_camera(scene)
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    scene.frame_set(3)
    before = inventory()
    import_plane(scene, movie, FRAME_NUMBERS)
    after = inventory()
    added = {kind: after[kind] - names for kind, names in before.items()}
    assert {kind: len(names) for kind, names in added.items() if names} == {
        "objects": 1,
        "meshes": 1,
        "materials": 1,
        "images": 1,
        "collections": 1,
    }
    assert all(not before[kind] - names for kind, names in after.items())
    assert (scene.frame_current, scene.camera, bpy.context.object) == (3, camera, cube)
    assert cube.select_get()
    assert not camera.data.background_images


def test_a_plane_for_each_camera_shown_only_while_it_shoots(scene, movie):
    first, second = add_camera(scene, "A"), add_camera(scene, "B")
    for frame, camera in ((FIRST, first), (FIRST + 3, second), (FIRST + 6, first)):
        scene.timeline_markers.new(camera.name, frame=frame).camera = camera
    made = import_plane(scene, movie, FRAME_NUMBERS)
    assert [plane.parent for plane in made] == [first, second]
    for frame in FRAME_NUMBERS.tolist():
        scene.frame_set(frame)
        shown = [plane.parent for plane in made if not plane.hide_render]
        assert shown == [plane.parent for plane in made if not plane.hide_viewport]
        assert shown == [second if FIRST + 3 <= frame < FIRST + 6 else first]


def test_what_cannot_be_imported_is_said_and_changes_nothing(scene, movie, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no movie")
    before = inventory()
    with pytest.raises(SceneError, match="no active camera"):
        import_plane(scene, movie, FRAME_NUMBERS)
    assert inventory() == before
    add_camera(scene)
    (plane,) = import_plane(scene, movie, FRAME_NUMBERS)
    for path, problem in ((tmp_path / "gone.mp4", "missing"), (broken, "cannot read")):
        with pytest.raises(SceneError, match=problem):
            import_plane(scene, path, FRAME_NUMBERS)
        assert planes(scene) == [plane]


def test_the_camera_sees_the_plane_and_nothing_before_it(scene, movie):
    camera = add_camera(scene)
    for start in (0.5, 2.0):
        camera.data.clip_start, camera.data.clip_end = start, 30.0
        (plane,) = import_plane(scene, movie, FRAME_NUMBERS)
        assert start < plane[DEPTH] < 1.2 * start
        remove_planes(scene)
